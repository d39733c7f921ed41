using System.Diagnostics.CodeAnalysis;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Informers;

/// <summary>Reads objects from a local copy that follows the API server. What is read is shared: never change it.</summary>
public interface IReader<T>
    where T : KubeObject, IKubeObject<T>
{
    /// <summary>The object; null when the copy has none.</summary>
    T? Find(ObjectKey key);

    /// <summary>All objects, or those of one namespace.</summary>
    IReadOnlyList<T> List(string? ns = null);

    /// <summary>The objects that an index files under a value.</summary>
    IReadOnlyList<T> ByIndex(string index, string value);
}

/// <summary>Objects by key and by index values. All members may be called at any time from any thread.</summary>
internal sealed class ObjectStore<T> : IReader<T>
    where T : KubeObject, IKubeObject<T>
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, T> _objects = [];
    private readonly Dictionary<string, Index> _indexes = new(StringComparer.Ordinal);

    private sealed record Index(Func<T, IEnumerable<string>> ValuesOf)
    {
        public Dictionary<string, Dictionary<ObjectKey, T>> Files { get; } = new(StringComparer.Ordinal);
    }

    /// <summary>Adds an index, or does nothing when one of that name is there.</summary>
    public void AddIndex(string name, Func<T, IEnumerable<string>> valuesOf)
    {
        lock (_lock)
        {
            if (_indexes.ContainsKey(name))
            {
                return;
            }

            Index index = new(valuesOf);
            _indexes.Add(name, index);
            foreach (T obj in _objects.Values)
            {
                File(index, obj);
            }
        }
    }

    public T? Find(ObjectKey key)
    {
        lock (_lock)
        {
            return _objects.GetValueOrDefault(key);
        }
    }

    public IReadOnlyList<T> List(string? ns = null)
    {
        lock (_lock)
        {
            return ns is null ? [.. _objects.Values] : [.. _objects.Values.Where(o => o.Key.Namespace == ns)];
        }
    }

    public IReadOnlyList<T> ByIndex(string index, string value)
    {
        lock (_lock)
        {
            return _indexes[index].Files.TryGetValue(value, out Dictionary<ObjectKey, T>? file) ? [.. file.Values] : [];
        }
    }

    /// <summary>Puts an object in and returns its predecessor.</summary>
    public T? Put(T obj)
    {
        lock (_lock)
        {
            T? old = TakeOut(obj.Key);
            _objects.Add(obj.Key, obj);
            foreach (Index index in _indexes.Values)
            {
                File(index, obj);
            }

            return old;
        }
    }

    /// <summary>Takes an object out and returns it.</summary>
    public bool Remove(ObjectKey key, [NotNullWhen(true)] out T? removed)
    {
        lock (_lock)
        {
            removed = TakeOut(key);
            return removed is not null;
        }
    }

    public IReadOnlyList<ObjectKey> Keys()
    {
        lock (_lock)
        {
            return [.. _objects.Keys];
        }
    }

    private T? TakeOut(ObjectKey key)
    {
        if (!_objects.Remove(key, out T? old))
        {
            return null;
        }

        foreach (Index index in _indexes.Values)
        {
            foreach (string value in index.ValuesOf(old))
            {
                if (index.Files.TryGetValue(value, out Dictionary<ObjectKey, T>? file) && file.Remove(key) && file.Count == 0)
                {
                    index.Files.Remove(value);
                }
            }
        }

        return old;
    }

    private static void File(Index index, T obj)
    {
        foreach (string value in index.ValuesOf(obj))
        {
            if (!index.Files.TryGetValue(value, out Dictionary<ObjectKey, T>? file))
            {
                index.Files.Add(value, file = []);
            }

            file[obj.Key] = obj;
        }
    }
}
