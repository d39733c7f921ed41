using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Tests.Spec;

public sealed class ResultProperties
{
    private static readonly Gen<IPAddress> _v4 = ArbMap.Default.GeneratorFor<byte>().ArrayOf(4).Select(b => new IPAddress(b));
    private static readonly Gen<IPAddress> _v6 = ArbMap.Default.GeneratorFor<byte>().ArrayOf(16).Select(b => new IPAddress(b)).Select(a => a.IsIPv4MappedToIPv6 ? a.MapToIPv4() : a);
    private static readonly Gen<string?> _text = Gen.Elements<string?>(null, "a", "eth0", "ü\"\\\n", "/run/netns/x y", "02:00:00:00:00:01");

    private static Gen<IPAddress> Address => Gen.OneOf(_v4, _v6);

    private static Gen<Cidr> Network =>
        from address in Address
        from length in Gen.Choose(0, 32)
        select new Cidr(address, length);

    private static Gen<IPAddress?> MaybeAddress => Gen.OneOf(Gen.Constant<IPAddress?>(null), Address.Select(a => (IPAddress?)a));

    private static Gen<int?> Maybe(int min, int max) => Gen.OneOf(Gen.Constant<int?>(null), Gen.Choose(min, max).Select(n => (int?)n));

    private static Gen<CniResult> Result =>
        from interfaces in (from mac in _text
                            from sandbox in _text
                            from pci in _text
                            from mtu in Maybe(1, 65535)
                            select new CniInterface("if") { Mac = mac, Sandbox = sandbox, PciId = pci, MtuBytes = mtu }).ListOf()
        from addresses in (from network in Network
                           from gateway in MaybeAddress
                           from index in Maybe(0, 3)
                           select new CniAddress(network) { Gateway = gateway, Interface = index }).ListOf()
        from routes in (from network in Network
                        from gateway in MaybeAddress
                        from mtu in Maybe(1, 9000)
                        from priority in Maybe(1, int.MaxValue)
                        from table in Maybe(0, 300)
                        from scope in Maybe(0, 255)
                        select new CniRoute(network) { Gateway = gateway, MtuBytes = mtu, Priority = priority, Table = table, Scope = scope }).ListOf()
        from domain in _text
        from search in _text.ListOf()
        select new CniResult
        {
            Interfaces = [.. interfaces],
            Addresses = [.. addresses],
            Routes = [.. routes],
            Dns = new CniDns { Domain = domain, Search = [.. search.OfType<string>()] },
        };

    [Theory]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void Result_WrittenAndRead_IsTheSame(string text) =>
        Prop.ForAll(Result.ToArbitrary(), result => Same(result, WriteAndRead(result, text))).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("0.3.0")]
    [InlineData("0.3.1")]
    [InlineData("0.4.0")]
    public void Result_WrittenAndReadInOlderVersions_LosesOnlyWhatTheyLack(string text) =>
        Prop.ForAll(
            Result.ToArbitrary(),
            result => Same(
                result with { Interfaces = [.. result.Interfaces.Select(i => i with { MtuBytes = null, PciId = null, SocketPath = null })] },
                WriteAndRead(result, text)))
            .QuickCheckThrowOnFailure();

    private static CniResult WriteAndRead(CniResult result, string version) =>
        CniResultJson.Read(ConfigObject.Parse(CniResultJson.Write(result, CniVersion.Parse(version))), CniVersion.V030);

    private static bool Same(CniResult a, CniResult b) =>
        a.Interfaces.SequenceEqual(b.Interfaces)
        && a.Addresses.SequenceEqual(b.Addresses)
        && a.Routes.SequenceEqual(b.Routes)
        && a.Dns.Domain == b.Dns.Domain
        && a.Dns.Search.SequenceEqual(b.Dns.Search);
}
