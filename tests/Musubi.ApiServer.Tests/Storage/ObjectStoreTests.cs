using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using Musubi.ApiServer.Storage;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Storage;

public sealed class ObjectStoreTests : IDisposable
{
    private readonly string _directory = TestServer.TempDirectory();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void AnyWrites_AreThereAfterReopening() => Prop.ForAll<(byte Key, byte Value)[]>(steps =>
    {
        string path = Path.Combine(_directory, Guid.NewGuid() + ".db");
        Dictionary<string, string> before, after;
        long version;
        using (var store = new Opened(path))
        {
            foreach ((byte key, byte value) in steps) Step(store.Store, $"ns{key % 2}/{key % 5}", value);
            before = Content(store.Store);
            version = store.Store.Version;
        }
        using (var store = new Opened(path))
        {
            after = Content(store.Store);
            Assert.Equal(version, store.Store.Version);
            Step(store.Store, "next/one", 1);
            Assert.True(store.Store.Version > version);
        }
        return before.OrderBy(p => p.Key).SequenceEqual(after.OrderBy(p => p.Key));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void HistoryFromAnyVersion_LeadsToTheCurrentContent() => Prop.ForAll<(byte Key, byte Value)[], byte>((steps, from) =>
    {
        using var store = new Opened(Path.Combine(_directory, Guid.NewGuid() + ".db"));
        Bucket bucket = store.Store.Bucket("/things");
        foreach ((byte key, byte value) in steps) Step(store.Store, $"ns/{key % 4}", value);
        long version = store.Store.Version == 0 ? 0 : from % (store.Store.Version + 1);
        Change? at = bucket.At(version);
        Assert.NotNull(at);
        var replayed = at.After.Range().ToDictionary(o => o.Key, o => o.Version);
        long last = version;
        for (Change? change = at.Next; change is not null; change = change.Next)
        {
            Assert.True(change.Version > last);
            last = change.Version;
            if (change.Type == ChangeType.Deleted) replayed.Remove(change.Object.Key);
            else replayed[change.Object.Key] = change.Version;
        }
        return replayed.OrderBy(p => p.Key).SequenceEqual(bucket.Objects.Range().ToDictionary(o => o.Key, o => o.Version).OrderBy(p => p.Key));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Put_StaleVersion_IsRefused()
    {
        using var store = new Opened(Path.Combine(_directory, "store.db"));
        Bucket bucket = store.Store.Bucket("/things");
        WriteResult first = await store.Store.PutAsync(bucket, "ns/a", 0, Draft("a", 1));
        Assert.True((await store.Store.PutAsync(bucket, "ns/a", 0, Draft("a", 2))).Refused);
        Assert.False((await store.Store.PutAsync(bucket, "ns/a", first.Object!.Version, Draft("a", 3))).Refused);
        Assert.True((await store.Store.DeleteAsync(bucket, "ns/a", first.Object.Version)).Refused);
    }

    [Fact]
    public async Task ConcurrentWrites_EachGetTheirOwnVersion()
    {
        using var store = new Opened(Path.Combine(_directory, "store.db"));
        Bucket bucket = store.Store.Bucket("/things");
        WriteResult[] results = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => store.Store.PutAsync(bucket, $"ns/{i}", 0, Draft(i.ToString(), i))));
        Assert.Equal(500, results.Select(r => r.Object!.Version).Distinct().Count());
        Assert.Equal(500, store.Store.Version);
    }

    [Fact]
    public async Task StoredBytes_CarryTheirVersion()
    {
        using var store = new Opened(Path.Combine(_directory, "store.db"));
        WriteResult result = await store.Store.PutAsync(store.Store.Bucket("/things"), "ns/a", 0, Draft("a", 1));
        Assert.Equal(result.Object!.Version.ToString(), (string?)result.Object.ToTree()["metadata"]!["resourceVersion"]);
        WriteResult deleted = await store.Store.DeleteAsync(store.Store.Bucket("/things"), "ns/a", result.Object.Version);
        Assert.Equal(deleted.Object!.Version.ToString(), (string?)deleted.Object.ToTree()["metadata"]!["resourceVersion"]);
        Assert.True(deleted.Object.Version > result.Object.Version);
    }

    [Fact]
    public void Open_WhileAnotherServerHasIt_SaysSo()
    {
        string path = Path.Combine(_directory, "store.db");
        using var first = new Opened(path);
        StorageException e = Assert.Throws<StorageException>(() => new Opened(path));
        Assert.Contains("another server is using this state directory", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NotADatabase_SaysWhichFile()
    {
        string path = Path.Combine(_directory, "store.db");
        File.WriteAllText(path, new string('x', 5000));
        Assert.Contains(path, Assert.Throws<StorageException>(() => new Opened(path)).Message, StringComparison.Ordinal);
    }

    private static void Step(ObjectStore store, string key, byte value)
    {
        Bucket bucket = store.Bucket("/things");
        long expected = bucket.Objects.Find(key)?.Version ?? 0;
        if (value % 3 == 0)
        {
            if (expected > 0) Assert.False(store.DeleteAsync(bucket, key, expected).Result.Refused);
        }
        else Assert.False(store.PutAsync(bucket, key, expected, Draft(key, value)).Result.Refused);
    }

    private static ObjectDraft Draft(string name, int value) => ObjectDraft.From(new JsonObject
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Thing",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["value"] = value,
    });

    private static Dictionary<string, string> Content(ObjectStore store) =>
        store.Bucket("/things").Objects.Range().ToDictionary(o => o.Key, o => System.Text.Encoding.UTF8.GetString(o.Json));

    private sealed class Opened(string path) : IDisposable
    {
        public ObjectStore Store { get; } = new(path, TimeProvider.System, NullLogger.Instance);

        public void Dispose() => Store.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
