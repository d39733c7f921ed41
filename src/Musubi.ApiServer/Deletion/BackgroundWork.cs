using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Kinds;
using Musubi.ApiServer.Operations;
using Musubi.ApiServer.Storage;

namespace Musubi.ApiServer.Deletion;

/// <summary>What the server does on its own: it reacts to committed changes, and puts in place what every cluster has.</summary>
internal sealed class BackgroundWork : IAsyncDisposable
{
    private static readonly string[] s_namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

    private readonly ObjectOperations _operations;
    private readonly DefinitionWatcher _definitions;
    private readonly GarbageCollector _collector;
    private readonly NamespaceKeeper _keeper;
    private readonly Bucket _namespaces;
    private readonly Bucket _definitionBucket;
    private readonly WorkLoop<string> _namespaceLoop;
    private readonly WorkLoop<string> _definitionLoop;
    private readonly WorkLoop<string> _eventLoop;
    private WorkLoop<CollectionItem>? _collectorLoop;

    public BackgroundWork(ObjectOperations operations, DefinitionWatcher definitions, ApiServerOptions options, string authorityPem, ILogger logger)
    {
        (_operations, _definitions) = (operations, definitions);
        _namespaces = operations.Store.Bucket("/namespaces");
        _definitionBucket = operations.Store.Bucket("apiextensions.k8s.io/customresourcedefinitions");
        _keeper = new NamespaceKeeper(operations, authorityPem, options.Time);
        _collector = new GarbageCollector(operations, process =>
            _collectorLoop = new WorkLoop<CollectionItem>("garbage collection", process, options.Time, logger));
        _namespaceLoop = new WorkLoop<string>("namespace keeping", _keeper.ProcessAsync, options.Time, logger);
        _definitionLoop = new WorkLoop<string>("definition cleanup", new DefinitionCleaner(operations).ProcessAsync, options.Time, logger);
        _eventLoop = new WorkLoop<string>("event expiry", new EventExpiry(operations, options.EventLifetime, options.Time).ProcessAsync, options.Time, logger);
    }

    /// <summary>Learns what is stored, makes what must be there, and begins.</summary>
    public async Task StartAsync()
    {
        RestoreServices();
        _collector.Restore(_operations.Store);
        _operations.Store.Committed = OnCommitted;
        foreach (string ns in s_namespaces)
        {
            await _keeper.EnsureAsync("namespaces", "", new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Namespace",
                ["metadata"] = new JsonObject { ["name"] = ns },
            }).ConfigureAwait(false);
        }
        foreach (StoredObject ns in _namespaces.Objects.Range()) _namespaceLoop.Add(ns.Name);
        foreach (StoredObject definition in _definitionBucket.Objects.Range()) _definitionLoop.Add(definition.Name);
        _eventLoop.Add("events");
        _collectorLoop!.Start();
        _namespaceLoop.Start();
        _definitionLoop.Start();
        _eventLoop.Start();
    }

    public async ValueTask DisposeAsync()
    {
        _operations.Store.Committed = null;
        await _collectorLoop!.DisposeAsync().ConfigureAwait(false);
        await _namespaceLoop.DisposeAsync().ConfigureAwait(false);
        await _definitionLoop.DisposeAsync().ConfigureAwait(false);
        await _eventLoop.DisposeAsync().ConfigureAwait(false);
    }

    private void OnCommitted(Bucket bucket, Change change)
    {
        _definitions.OnCommitted(bucket);
        _collector.OnCommitted(bucket, change);
        if (bucket == _namespaces)
        {
            if (change.Type == ChangeType.Added || change.Object.Facts.Deleting) _namespaceLoop.Add(change.Object.Name);
        }
        else if (bucket == _definitionBucket)
        {
            if (change.Object.Facts.Deleting) _definitionLoop.Add(change.Object.Name);
        }
        else if (change.Type == ChangeType.Deleted)
        {
            // It may have been the last thing that somebody waits for.
            string ns = change.Object.Namespace;
            if (ns.Length > 0 && _namespaces.Objects.Find(ns)?.Facts.Deleting == true) _namespaceLoop.Add(ns);
            string definition = DefinitionOf(bucket);
            if (_definitionBucket.Objects.Find(definition)?.Facts.Deleting == true) _definitionLoop.Add(definition);
        }
    }

    /// <summary>Buckets are named <c>GROUP/PLURAL</c>, definitions <c>PLURAL.GROUP</c>.</summary>
    private static string DefinitionOf(Bucket bucket)
    {
        int slash = bucket.Name.IndexOf('/');
        return $"{bucket.Name[(slash + 1)..]}.{bucket.Name[..slash]}";
    }

    private void RestoreServices()
    {
        ServedResource services = _operations.Registry.Current.Find("", "v1", "services")!;
        foreach (StoredObject service in services.Bucket.Objects.Range()) ((ServiceRules)services.Rules).Restore(service.ToTree());
    }
}
