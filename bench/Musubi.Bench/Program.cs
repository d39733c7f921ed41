using Musubi.Bench;

string home = Environment.GetEnvironmentVariable("MUSUBI_HOME") ?? throw new InvalidOperationException("MUSUBI_HOME must name the directory with musubi.dll; bench/run sets it");
switch (args)
{
    case ["cni"]:
        new CniBenchmark(Path.Combine(home, "musubi-cni")).Run();
        return 0;
    case ["platform"]:
        string guest = Environment.GetEnvironmentVariable("MUSUBI_GUEST_IMAGE") ?? throw new InvalidOperationException("MUSUBI_GUEST_IMAGE must name the guest image; bench/run sets it");
        await new PlatformBenchmark(home, guest).RunAsync();
        return 0;
    default:
        Console.Error.WriteLine("usage: Musubi.Bench cni | platform");
        return 2;
}
