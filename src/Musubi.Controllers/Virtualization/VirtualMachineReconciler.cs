using Musubi.Api;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;
using Musubi.Kubernetes.Reconciling;

namespace Musubi.Controllers.Virtualization;

/// <summary>Gives each virtual machine the instance that its run strategy asks for, and tells how it is.</summary>
internal sealed class VirtualMachineReconciler(
    ApiClient api, IReader<VirtualMachine> machines, IReader<VirtualMachineInstance> instances, EventRecorder events, TimeProvider time)
    : IReconciler<VirtualMachine>
{
    private readonly ResourceClient<VirtualMachine> _machines = api.Resource<VirtualMachine>();
    private readonly ResourceClient<VirtualMachineInstance> _instances = api.Resource<VirtualMachineInstance>();

    public async ValueTask<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (machines.Find(key) is not { } vm)
        {
            return ReconcileResult.Done;
        }

        VirtualMachineInstance? vmi = instances.Find(key);
        if (vmi is not null && vmi.Metadata.Controller?.Uid != vm.Metadata.Uid)
        {
            if (vm.IsTerminating)
            {
                return await ReleaseMachineAsync(vm, ct);
            }

            const string Taken = "an instance of this name exists that does not belong to this machine; delete it or rename the machine";
            return await WriteStatusAsync(new VmObservation(vm, null, time.GetUtcNow(), 0), Taken, ct);
        }

        if (vm.IsTerminating && vmi is null)
        {
            return await ReleaseMachineAsync(vm, ct);
        }

        if (!vm.IsTerminating && !vm.Metadata.HasFinalizer(KubeVirtNames.VmControllerFinalizer))
        {
            vm = await _machines.PatchAsync(key, Patch.Merge(StatusPatches.Finalizer(vm.Metadata, KubeVirtNames.VmControllerFinalizer, present: true)), ct);
        }

        return await ActAsync(new VmObservation(vm, vmi, time.GetUtcNow(), Random.Shared.NextDouble()), ct);
    }

    private async Task<ReconcileResult> ActAsync(VmObservation seen, CancellationToken ct)
    {
        VmPlan plan = VmPlan.Decide(seen);
        string? failed = null;
        switch (plan.Action)
        {
            case VmAction.Create:
                failed = await CreateAsync(seen.Vm, ct);
                break;
            case VmAction.Delete:
                // Requests and failures are noted before the instance that they are about goes away.
                seen = seen with { Vm = await StoreAsync(seen, plan, failed: null, ct) };
                await DeleteAsync(seen.Vm, seen.Vmi!, ct);
                break;
            case VmAction.None when seen.Vmi is { IsTerminating: false }:
                await CopyLabelsAsync(seen.Vm, seen.Vmi, ct);
                break;
        }

        await StoreAsync(seen, plan, failed, ct);
        if (plan.ReleaseInstance)
        {
            await ReleaseInstanceAsync(seen.Vmi!, ct);
        }

        return new ReconcileResult(failed is not null ? TimeSpan.FromSeconds(10) : plan.RetryAfter);
    }

    private async Task<string?> CreateAsync(VirtualMachine vm, CancellationToken ct)
    {
        try
        {
            VirtualMachineInstance made = await _instances.CreateAsync(InstanceOf(vm), ct);
            events.Record(vm, EventType.Normal, "SuccessfulCreate", $"Started the virtual machine by creating the new virtual machine instance {made.Metadata.Name}");
            return null;
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            return null; // our copy lags behind: its change brings us here again
        }
        catch (ApiException e) when (e.Status.Code is 403 or 422)
        {
            events.Record(vm, EventType.Warning, "FailedCreate", $"Error creating virtual machine instance: {e.Message}");
            return $"the instance was refused: {e.Message}";
        }
    }

    private async Task DeleteAsync(VirtualMachine vm, VirtualMachineInstance vmi, CancellationToken ct)
    {
        if (await _instances.DeleteAsync(vmi.Key, ct, new DeleteOptions { Uid = vmi.Metadata.Uid }))
        {
            events.Record(
                vm, EventType.Normal, "SuccessfulDelete", $"Stopped the virtual machine by deleting the virtual machine instance {vmi.Metadata.Uid}");
        }
    }

    /// <summary>Template labels reach a running machine too, so that a Service's selector can be mended without a restart.</summary>
    private async Task CopyLabelsAsync(VirtualMachine vm, VirtualMachineInstance vmi, CancellationToken ct)
    {
        if (StatusPatches.Labels(vmi.Metadata, vm.Spec?.Template?.Metadata?.Labels ?? []) is { } patch)
        {
            await _instances.PatchAsync(vmi.Key, Patch.Merge(patch), ct);
        }
    }

    private async Task<VirtualMachine> StoreAsync(VmObservation seen, VmPlan plan, string? failed, CancellationToken ct)
    {
        VirtualMachineStatus status = VirtualMachineStatusWriter.Write(seen, plan, failed);
        return StatusPatches.Between(seen.Vm.Status, status, ApiJson.Default.VirtualMachineStatus, seen.Vm.Metadata.ResourceVersion) is { } patch
            ? await _machines.PatchStatusAsync(seen.Vm.Key, Patch.Merge(patch), ct)
            : seen.Vm;
    }

    private async Task<ReconcileResult> WriteStatusAsync(VmObservation seen, string failed, CancellationToken ct)
    {
        VmPlan nothing = new(VmAction.None, seen.Vm.Status?.StateChangeRequests ?? [], seen.Vm.Status?.StartFailure, null, StartExpected: false, ReleaseInstance: false);
        await StoreAsync(seen, nothing, failed, ct);
        return ReconcileResult.Done;
    }

    private async Task ReleaseInstanceAsync(VirtualMachineInstance vmi, CancellationToken ct)
    {
        try
        {
            await _instances.PatchAsync(vmi.Key, Patch.Merge(StatusPatches.Finalizer(vmi.Metadata, KubeVirtNames.VmControllerFinalizer, present: false)), ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // gone already
        }
    }

    private async Task<ReconcileResult> ReleaseMachineAsync(VirtualMachine vm, CancellationToken ct)
    {
        if (vm.Metadata.HasFinalizer(KubeVirtNames.VmControllerFinalizer))
        {
            try
            {
                await _machines.PatchAsync(vm.Key, Patch.Merge(StatusPatches.Finalizer(vm.Metadata, KubeVirtNames.VmControllerFinalizer, present: false)), ct);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // gone already
            }
        }

        return ReconcileResult.Done;
    }

    /// <summary>The instance that a machine's template describes.</summary>
    internal static VirtualMachineInstance InstanceOf(VirtualMachine vm) => new()
    {
        Metadata = new ObjectMeta
        {
            Name = vm.Metadata.Name,
            Namespace = vm.Metadata.Namespace,
            Labels = vm.Spec?.Template?.Metadata?.Labels,
            Annotations = new Dictionary<string, string>(vm.Spec?.Template?.Metadata?.Annotations ?? [])
            {
                [KubeVirtNames.VmGenerationAnnotation] = (vm.Metadata.Generation ?? 1).ToString(),
            },
            OwnerReferences = [OwnerReference.ControllerOf(vm)],
            Finalizers = [KubeVirtNames.VmControllerFinalizer, KubeVirtNames.VmiFinalizer],
        },
        Spec = vm.Spec?.Template?.Spec,
    };
}
