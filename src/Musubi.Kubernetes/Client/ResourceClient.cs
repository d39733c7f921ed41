using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>The API's verbs for the objects of one type.</summary>
/// <remarks>Every call throws <see cref="ApiException"/> when the server refuses and <see cref="ApiUnreachableException"/> when it does not answer.</remarks>
public sealed class ResourceClient<T>
    where T : KubeObject, IKubeObject<T>
{
    private const int PageSize = 500;
    private readonly ApiClient _api;

    internal ResourceClient(ApiClient api) => _api = api;

    /// <summary>Called for each object of a list or watch that is not of the expected form, which is left out then. Null: such an object is a failure.</summary>
    internal Action<JsonException>? OnUnreadable { get; init; }

    /// <summary>The object.</summary>
    public async Task<T> GetAsync(ObjectKey key, CancellationToken ct) =>
        Read(await _api.SendAsync(HttpMethod.Get, T.Resource.ItemPath(key), body: null, ct));

    /// <summary>The object; null when it does not exist.</summary>
    public async Task<T?> FindAsync(ObjectKey key, CancellationToken ct)
    {
        try
        {
            return await GetAsync(key, ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>All chosen objects, fetched in pages that belong to one version.</summary>
    /// <param name="selection">Which objects.</param>
    /// <param name="ct">Cancels the call.</param>
    /// <param name="resourceVersion">Null: the newest state. <c>0</c>: any state the server has at hand.</param>
    public async Task<KubeList<T>> ListAsync(Selection selection, CancellationToken ct, string? resourceVersion = null)
    {
        List<T> items = [];
        string? next = null;
        while (true)
        {
            QueryText query = new(T.Resource.CollectionPath(selection.Namespace));
            selection.AddTo(query);
            query.Add("limit", PageSize.ToString());
            query.Add("continue", next);
            query.Add("resourceVersion", next is null ? resourceVersion : null);
            byte[] body = await _api.SendAsync(HttpMethod.Get, query.ToString(), body: null, ct);
            (string version, next) = ListReader.Read(body, items, OnUnreadable);
            if (string.IsNullOrEmpty(next))
            {
                return new KubeList<T>(items, version);
            }
        }
    }

    /// <summary>Changes as they happen, until the server ends the watch (as it does after <see cref="WatchOptions.Duration"/>).</summary>
    /// <exception cref="ApiException">Also when the server reports a failure in the stream; <see cref="ApiException.IsExpired"/> asks for a new list.</exception>
    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync(Selection selection, WatchOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        QueryText query = new(T.Resource.CollectionPath(selection.Namespace));
        selection.AddTo(query);
        query.Add("watch", "true");
        query.Add("allowWatchBookmarks", "true");
        query.Add("resourceVersion", options.ResourceVersion);
        query.Add("timeoutSeconds", ((int)options.Duration.TotalSeconds).ToString());
        if (options.SendInitialEvents)
        {
            query.Add("sendInitialEvents", "true");
            query.Add("resourceVersionMatch", "NotOlderThan");
        }

        // The server ends the watch; if it is gone without a word, this does.
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(options.Duration + TimeSpan.FromSeconds(30));
        using HttpResponseMessage response = await _api.OpenAsync(query.ToString(), limit.Token);
        await using Stream stream = await response.Content.ReadAsStreamAsync(limit.Token);
        await foreach (WatchEvent<T> change in WatchReader.ReadAsync<T>(stream, OnUnreadable, limit.Token))
        {
            yield return change;
        }
    }

    /// <summary>Stores a new object and returns it as stored.</summary>
    public async Task<T> CreateAsync(T obj, CancellationToken ct, WriteOptions? options = null) =>
        Read(await _api.SendAsync(HttpMethod.Post, Query(T.Resource.CollectionPath(obj.Metadata.Namespace), options), RequestBody.Json(obj), ct));

    /// <summary>Replaces an object; refused when it changed since <c>metadata.resourceVersion</c>.</summary>
    public async Task<T> UpdateAsync(T obj, CancellationToken ct, WriteOptions? options = null) =>
        Read(await _api.SendAsync(HttpMethod.Put, Query(T.Resource.ItemPath(obj.Key), options), RequestBody.Json(obj), ct));

    /// <summary>Replaces an object's status; refused when the object changed since <c>metadata.resourceVersion</c>.</summary>
    public async Task<T> UpdateStatusAsync(T obj, CancellationToken ct, WriteOptions? options = null) =>
        Read(await _api.SendAsync(HttpMethod.Put, Query(T.Resource.ItemPath(obj.Key, "status"), options), RequestBody.Json(obj), ct));

    /// <summary>Changes an object, or one of its subresources.</summary>
    public async Task<T> PatchAsync(ObjectKey key, Patch patch, CancellationToken ct, string? subresource = null, WriteOptions? options = null) =>
        Read(await _api.SendAsync(HttpMethod.Patch, Query(T.Resource.ItemPath(key, subresource), options), patch.Body, ct));

    /// <summary>Changes an object's status.</summary>
    public Task<T> PatchStatusAsync(ObjectKey key, Patch patch, CancellationToken ct, WriteOptions? options = null) =>
        PatchAsync(key, patch, ct, "status", options);

    /// <summary>Asks for deletion. False when there was no such object.</summary>
    public async Task<bool> DeleteAsync(ObjectKey key, CancellationToken ct, DeleteOptions? options = null)
    {
        try
        {
            RequestBody? body = options is null ? null : RequestBody.Json(options.ToJson());
            await _api.SendAsync(HttpMethod.Delete, T.Resource.ItemPath(key), body, ct);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    /// <summary>Posts to a subresource, as <c>binding</c> or <c>eviction</c>.</summary>
    public Task<JsonObject> PostAsync(ObjectKey key, string subresource, JsonObject body, CancellationToken ct) =>
        _api.SendJsonAsync(HttpMethod.Post, T.Resource.ItemPath(key, subresource), RequestBody.Json(body), ct);

    private static string Query(string path, WriteOptions? options)
    {
        QueryText query = new(path);
        options?.AddTo(query);
        return query.ToString();
    }

    private static T Read(byte[] body) => JsonSerializer.Deserialize(body, T.JsonType) ?? throw new JsonException("the answer is null");
}

/// <summary>Objects and the version of the collection they belong to.</summary>
public sealed record KubeList<T>(IReadOnlyList<T> Items, string ResourceVersion);
