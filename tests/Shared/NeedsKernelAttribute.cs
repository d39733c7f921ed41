using Xunit.v3;

namespace Musubi.Testing;

/// <summary>
/// A test that needs parts of the kernel which a machine may not have (VLANs, ipvlan, dummy, bonding, vrf, …). Such tests run in a virtual
/// machine with the distribution's own kernel: <c>tests/kernel/run</c>.
/// </summary>
/// <param name="parts">What is needed, by the kernel's names of modules.</param>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class)]
internal sealed class NeedsKernelAttribute(params string[] parts) : Attribute, ITraitAttribute
{
    /// <summary>What is needed, by the kernel's names of modules.</summary>
    public IReadOnlyList<string> Parts => parts;

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Kernel", "distribution"), .. parts.Select(p => new KeyValuePair<string, string>("Needs", p))];
}
