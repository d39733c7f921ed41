using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Tests.Objects;

public class KubeTimeTests
{
    [Theory]
    [InlineData("2026-11-21T14:00:00Z", "2026-11-21T14:00:00Z", "2026-11-21T14:00:00.000000Z")]
    [InlineData("2026-11-21T16:00:00.1234567+02:00", "2026-11-21T14:00:00Z", "2026-11-21T14:00:00.123456Z")]
    public void Format_ParsedTime_IsUtcInBothForms(string text, string seconds, string micro)
    {
        Assert.True(KubeTime.TryParse(text, out DateTimeOffset time));
        Assert.Equal(seconds, KubeTime.Format(time));
        Assert.Equal(micro, KubeTime.FormatMicro(time));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-11-21")]
    [InlineData("2026-11-21 14:00:00")]
    [InlineData("2026-13-21T14:00:00Z")]
    [InlineData("yesterday, at noon or so")]
    public void TryParse_NoTime_ReportsFalse(string text) => Assert.False(KubeTime.TryParse(text, out _));

    [Fact]
    public void With_SameStatus_KeepsTransitionTime()
    {
        DateTimeOffset then = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        List<Condition> conditions = ((IReadOnlyList<Condition>?)null).With(new Condition { Type = "Ready", Status = Condition.False }, then);
        conditions = conditions.With(new Condition { Type = "Ready", Status = Condition.False, Reason = "Other" }, then.AddHours(1));
        Assert.Equal(then, Assert.Single(conditions).LastTransitionTime);
        conditions = conditions.With(new Condition { Type = "Ready", Status = Condition.True }, then.AddHours(2));
        Assert.Equal(then.AddHours(2), Assert.Single(conditions).LastTransitionTime);
    }

    [Fact]
    public void With_ConditionKnown_KeepsItsPlace()
    {
        DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        List<Condition> conditions = ((IReadOnlyList<Condition>?)null)
            .With(new Condition { Type = "Ready", Status = Condition.True }, now)
            .With(new Condition { Type = "AgentConnected", Status = Condition.True }, now);

        List<Condition> again = conditions.With(new Condition { Type = "Ready", Status = Condition.True }, now.AddHours(1));

        Assert.Equal(conditions, again);
    }
}
