using FsCheck;
using FsCheck.Fluent;
using Musubi.Kubernetes.Reconciling;

namespace Musubi.Kubernetes.Tests.Reconciling;

public class WorkQueueTests
{
    [Fact]
    public void Add_Twice_ComesOnce()
    {
        using WorkQueue<string> queue = new(new ManualTime());
        queue.Add("a");
        queue.Add("a");
        Assert.True(queue.TryTake(out _));
        Assert.False(queue.TryTake(out _));
    }

    [Fact]
    public void Add_WhileWorkedOn_ComesAgainAfterDone()
    {
        using WorkQueue<string> queue = new(new ManualTime());
        queue.Add("a");
        Assert.True(queue.TryTake(out _));
        queue.Add("a");
        Assert.False(queue.TryTake(out _));
        queue.Done("a");
        Assert.True(queue.TryTake(out string? again));
        Assert.Equal("a", again);
    }

    [Fact]
    public void AddAfter_TwoTimes_EarliestCountsAndComesOnce()
    {
        ManualTime time = new();
        using WorkQueue<string> queue = new(time);
        queue.AddAfter("a", TimeSpan.FromSeconds(10));
        queue.AddAfter("a", TimeSpan.FromSeconds(2));
        queue.AddAfter("a", TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(queue.TryTake(out _));
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(queue.TryTake(out _));
        queue.Done("a");
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(queue.TryTake(out _));
    }

    [Fact]
    public void AddRateLimited_Repeatedly_WaitsTwiceAsLongEachTime_UntilForgotten()
    {
        ManualTime time = new();
        using WorkQueue<string> queue = new(time);
        foreach (int expected in new[] { 5, 10, 20, 40 })
        {
            queue.AddRateLimited("a");
            time.Advance(TimeSpan.FromMilliseconds(expected - 1));
            Assert.False(queue.TryTake(out _));
            time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.True(queue.TryTake(out _));
            queue.Done("a");
        }

        queue.Forget("a");
        queue.AddRateLimited("a");
        time.Advance(TimeSpan.FromMilliseconds(5));
        Assert.True(queue.TryTake(out _));
    }

    [Fact]
    public void AddRateLimited_FloodOfKeys_IsSpreadOverTime()
    {
        ManualTime time = new();
        using WorkQueue<int> queue = new(time);
        for (int i = 0; i < 200; i++)
        {
            queue.AddRateLimited(i);
        }

        time.Advance(TimeSpan.FromSeconds(1));
        int early = Drain(queue);
        Assert.InRange(early, 100, 115);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(200, early + Drain(queue));
    }

    [Fact]
    public async Task TakeAsync_Cancelled_Throws()
    {
        using WorkQueue<string> queue = new(new ManualTime());
        using CancellationTokenSource stop = new();
        ValueTask<string> waiting = queue.TakeAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
    }

    private enum Step
    {
        Add,
        Take,
        Done,
    }

    /// <summary>Against the simplest model: two sets and an order.</summary>
    [Fact]
    public void AnySequence_BehavesAsModel() =>
        Prop.ForAll((from step in Gen.Elements(Step.Add, Step.Add, Step.Take, Step.Done) from key in Gen.Choose(0, 3) select (step, key)).ListOf().ToArbitrary(), steps =>
        {
            using WorkQueue<int> queue = new(new ManualTime());
            HashSet<int> dirty = [];
            HashSet<int> processing = [];
            foreach ((Step step, int key) in steps)
            {
                switch (step)
                {
                    case Step.Add:
                        queue.Add(key);
                        dirty.Add(key);
                        break;
                    case Step.Take:
                        bool ready = dirty.Any(k => !processing.Contains(k));
                        if (queue.TryTake(out int taken) != ready || (ready && (!dirty.Remove(taken) || !processing.Add(taken))))
                        {
                            return false;
                        }

                        break;
                    case Step.Done when processing.Remove(key):
                        queue.Done(key);
                        break;
                }
            }

            return queue.Count == dirty.Count;
        }).QuickCheckThrowOnFailure();

    private static int Drain(WorkQueue<int> queue)
    {
        int count = 0;
        while (queue.TryTake(out int key))
        {
            queue.Done(key);
            count++;
        }

        return count;
    }
}
