using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Operations;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Deletion;

/// <summary>Deletes Events that nobody has repeated for a while.</summary>
internal sealed class EventExpiry(ObjectOperations operations, TimeSpan lifetime, TimeProvider time)
{
    private static readonly TimeSpan MaxInterval = TimeSpan.FromMinutes(5);

    public TimeSpan Interval => lifetime / 4 < MaxInterval ? lifetime / 4 : MaxInterval;

    public async Task<TimeSpan?> ProcessAsync(string name, CancellationToken cancellation)
    {
        ServedResource events = operations.Registry.Current.Find("", "v1", "events")!;
        DateTimeOffset limit = time.GetUtcNow() - lifetime;
        foreach (StoredObject obj in events.Bucket.Objects.Range())
        {
            if (LastSeen(obj.ToTree()) >= limit) continue;
            try
            {
                await operations.DeleteAsync(events, obj.Namespace, obj.Name, new DeleteOptions { PreconditionVersion = obj.Version.ToString() }).ConfigureAwait(false);
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict)
            {
                // Gone, or seen again.
            }
            cancellation.ThrowIfCancellationRequested();
        }
        return Interval;
    }

    private static DateTimeOffset LastSeen(JsonObject e)
    {
        DateTimeOffset last = DateTimeOffset.MinValue;
        foreach (JsonNode? field in (ReadOnlySpan<JsonNode?>)[e.At("metadata", "creationTimestamp"), e["lastTimestamp"], e["eventTime"], e.At("series", "lastObservedTime")])
            if (KubeTime.TryParse(field.AsText(), out DateTimeOffset at) && at > last) last = at;
        return last;
    }
}
