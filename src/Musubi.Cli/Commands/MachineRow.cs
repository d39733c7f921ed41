using Musubi.Api.KubeVirt;
using Musubi.Cli.Output;
using Musubi.Kubernetes.Client;

namespace Musubi.Cli.Commands;

/// <summary>A virtual machine as <c>musubi vm list</c> shows it.</summary>
internal sealed record MachineRow(string Namespace, string Name, string Status, bool Ready, string? Node, IReadOnlyList<MachineAddresses> Interfaces)
{
    public static async Task<IReadOnlyList<MachineRow>> ListAsync(ApiClient api, string? ns, CancellationToken ct)
    {
        Selection selection = new() { Namespace = ns };
        KubeList<VirtualMachine> machines = await api.Resource<VirtualMachine>().ListAsync(selection, ct);
        KubeList<VirtualMachineInstance> instances = await api.Resource<VirtualMachineInstance>().ListAsync(selection, ct);
        return
        [
            .. from vm in machines.Items
               let vmi = instances.Items.FirstOrDefault(i => i.Key == vm.Key)
               orderby vm.Key.ToString()
               select new MachineRow(
                   vm.Metadata.Namespace ?? "",
                   vm.Metadata.Name ?? "",
                   vm.Status?.PrintableStatus ?? "Unknown",
                   vm.Status?.Ready ?? false,
                   vmi?.Status?.NodeName,
                   [.. (vmi?.Status?.Interfaces ?? []).Where(i => i.Name is not null).Select(i => new MachineAddresses(i.Name!, i.InterfaceName, i.Mac, i.IpAddresses ?? []))]),
        ];
    }

    public static void Print(IReadOnlyList<MachineRow> machines, bool withNamespace)
    {
        string[] columns = ["NAME", "STATUS", "READY", "NODE", "ADDRESSES"];
        Tables.Write(
            withNamespace ? ["NAMESPACE", .. columns] : columns,
            machines.Select(m => (IReadOnlyList<string>)
            [
                .. withNamespace ? (string[])[m.Namespace] : [],
                m.Name,
                m.Status,
                m.Ready ? "True" : "False",
                m.Node ?? "",
                string.Join("  ", m.Interfaces.Where(i => i.Addresses.Count > 0).Select(i => $"{i.Name}: {string.Join(", ", i.Addresses)}")),
            ]));
    }
}

/// <summary>Addresses of one interface of a machine.</summary>
internal sealed record MachineAddresses(string Name, string? GuestInterface, string? Mac, IReadOnlyList<string> Addresses);
