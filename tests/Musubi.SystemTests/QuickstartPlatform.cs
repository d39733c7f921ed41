using System.Text.Json;

namespace Musubi.SystemTests;

/// <summary>A platform with the quick start's two machines up, shared by the tests that only look.</summary>
public sealed class QuickstartPlatform : IAsyncLifetime
{
    internal Platform Platform { get; private set; } = null!;

    internal JsonElement MachineA { get; private set; }

    internal JsonElement MachineB { get; private set; }

    public async ValueTask InitializeAsync()
    {
        Platform = await Platform.StartAsync("q");
        await Platform.KubectlAsync("apply", "-f", Platform.Example("quickstart"));
        await Platform.WaitUntilUpAsync("vm-a");
        await Platform.WaitUntilUpAsync("vm-b");
        MachineA = await TwoAddressesAsync("vm-a");
        MachineB = await TwoAddressesAsync("vm-b");
    }

    public ValueTask DisposeAsync() => Platform.DisposeAsync();

    private Task<JsonElement> TwoAddressesAsync(string name) => Shell.EventuallyAsync(
        () => Platform.GetAsync("vmi", name),
        vmi => vmi.GetProperty("status").GetProperty("interfaces").EnumerateArray().Any(i => i.GetProperty("name").GetString() == "default" && i.GetProperty("ipAddresses").GetArrayLength() == 2),
        TimeSpan.FromSeconds(60),
        $"{name} shows both addresses");
}
