using Musubi.Cni.Spec;

namespace Musubi.Cni.Execution;

/// <summary>A plugin of this project: one implementation per plugin type, run by <see cref="PluginRunner"/>.</summary>
/// <remarks>
/// To add a plugin, implement this in a folder of its own under <c>Plugins</c> or <c>Ipam</c> and list it in
/// <see cref="PluginCatalog"/>. What a failed <see cref="Add"/> has already done it undoes itself, in reverse order.
/// </remarks>
public interface ICniPlugin
{
    /// <summary>The plugin type, which is also the executable's name.</summary>
    string Name { get; }

    /// <summary>Attaches the container.</summary>
    CniResult Add(PluginCall call);

    /// <summary>Verifies that what ADD made (<see cref="PluginCall.PreviousResult"/>) is still so.</summary>
    void Check(PluginCall call);

    /// <summary>Detaches the container; what is already gone is no error.</summary>
    void Del(PluginCall call);

    /// <summary>Removes what attachments outside <see cref="PluginCall.ValidAttachments"/> left behind.</summary>
    void Gc(PluginCall call)
    {
    }

    /// <summary>Throws with code 50 when ADD could not be served.</summary>
    void Status(PluginCall call)
    {
    }
}
