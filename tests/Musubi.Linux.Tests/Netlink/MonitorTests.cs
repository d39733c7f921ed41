using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Netlink;

public sealed class MonitorTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task WatchLinks_SnapshotThenChangesThenRemoval()
    {
        using TestNamespace net = new();
        LinkIndex bridge = net.Route.Links.Create(new BridgeLink("br0"));
        using CancellationTokenSource limit = new(Limit);
        await using IAsyncEnumerator<RouteEvent<LinkInfo>> events = net.Route.Links.WatchAsync(limit.Token).GetAsyncEnumerator(limit.Token);

        Assert.True(await events.MoveNextAsync());
        Assert.Equal(RouteEventKind.Snapshot, events.Current.Kind);
        Assert.Equal(["br0", "lo"], events.Current.Items.Select(l => l.Name).Order());

        LinkIndex port = net.Route.Links.Create(new VethLink("v0", "v1"));
        await NextAsync(events, e => e.Kind == RouteEventKind.Changed && e.Item.Index == port);
        net.Route.Links.Change(port, new LinkChange { Master = bridge });
        await NextAsync(events, e => e.Kind == RouteEventKind.Changed && e.Item.Index == port && e.Item.Master == bridge);

        // Leaving the bridge is a change of the link, not its end.
        net.Route.Links.Change(port, new LinkChange { Master = LinkIndex.None });
        await NextAsync(events, e => e.Item.Index == port && (e.Kind == RouteEventKind.Removed || e.Item.Master is null));
        Assert.Equal(RouteEventKind.Changed, events.Current.Kind);
        net.Route.Links.Delete(port);
        await NextAsync(events, e => e.Kind == RouteEventKind.Removed && e.Item.Index == port);
    }

    [Fact]
    public async Task WatchAddressesRoutesNeighbours_ChangesAreTold()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1") { AdminUp = true });
        using CancellationTokenSource limit = new(Limit);
        await using IAsyncEnumerator<RouteEvent<InterfaceAddress>> addresses = net.Route.Addresses.WatchAsync(limit.Token).GetAsyncEnumerator(limit.Token);
        await using IAsyncEnumerator<RouteEvent<Route>> routes = net.Route.Routes.WatchAsync(limit.Token).GetAsyncEnumerator(limit.Token);
        await using IAsyncEnumerator<RouteEvent<Neighbour>> neighbours = net.Route.Neighbours.WatchAsync(limit.Token).GetAsyncEnumerator(limit.Token);
        Assert.True(await addresses.MoveNextAsync() && await routes.MoveNextAsync() && await neighbours.MoveNextAsync());

        net.Route.Addresses.Add(link, Cidr.Parse("10.0.0.1/24"));
        net.Route.Neighbours.Set(new Neighbour(link, IpText.ParseAddress("10.0.0.9")) { Mac = MacAddress.Random() });

        await NextAsync(addresses, e => e.Item.Cidr == Cidr.Parse("10.0.0.1/24"));
        await NextAsync(routes, e => e.Item.Destination == Cidr.Parse("10.0.0.0/24"));
        await NextAsync(neighbours, e => e.Item.Address.Equals(IpText.ParseAddress("10.0.0.9")));
        net.Route.Addresses.Delete(link, Cidr.Parse("10.0.0.1/24"));
        await NextAsync(addresses, e => e.Kind == RouteEventKind.Removed);
    }

    [Fact]
    public async Task Watch_ChangesLost_SnapshotComesAgain()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1") { AdminUp = true });
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
        await using IAsyncEnumerator<RouteEvent<LinkInfo>> events = net.Route.Links.WatchAsync(limit.Token).GetAsyncEnumerator(limit.Token);
        Assert.True(await events.MoveNextAsync());

        // More changes than the receive buffer holds, while nobody reads.
        for (int round = 0; round < 100; round++)
        {
            RouteBatch batch = net.Route.Batch();
            for (int i = 0; i < 50; i++)
            {
                batch.ChangeLink(link, new LinkChange { Alias = $"{round}.{i}" });
            }

            batch.Commit();
        }

        await NextAsync(events, e => e.Kind == RouteEventKind.Snapshot);
        Assert.Equal("99.49", events.Current.Items.Single(l => l.Index == link).Alias);
        net.Route.Links.Delete(link);
        await NextAsync(events, e => e.Kind == RouteEventKind.Removed && e.Item.Index == link);
    }

    [Fact]
    public async Task Watch_Cancelled_Ends()
    {
        using TestNamespace net = new();
        using CancellationTokenSource cancel = new();
        await using IAsyncEnumerator<RouteEvent<LinkInfo>> events = net.Route.Links.WatchAsync(cancel.Token).GetAsyncEnumerator(CancellationToken.None);
        Assert.True(await events.MoveNextAsync());
        ValueTask<bool> next = events.MoveNextAsync();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
    }

    private static async Task NextAsync<T>(IAsyncEnumerator<RouteEvent<T>> events, Func<RouteEvent<T>, bool> wanted)
    {
        do
        {
            Assert.True(await events.MoveNextAsync());
        }
        while (!wanted(events.Current));
    }
}
