using Musubi.Cni.Spec;

namespace Musubi.Cni.Tests.Spec;

public sealed class ArgumentsTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Parse_Nothing_HasNoKeys(string? text) => Assert.Null(CniArguments.Parse(text)["IP"]);

    [Fact]
    public void Parse_Pairs_AreFoundByExactKey()
    {
        CniArguments arguments = CniArguments.Parse("IgnoreUnknown=1;IP=10.0.0.1;MAC=02:00:00:00:00:01");

        Assert.Equal("10.0.0.1", arguments["IP"]);
        Assert.Equal("02:00:00:00:00:01", arguments["MAC"]);
        Assert.Null(arguments["ip"]);
    }

    [Fact]
    public void Parse_RepeatedKey_LastWins() => Assert.Equal("b", CniArguments.Parse("K=a;K=b")["K"]);

    [Fact]
    public void Parse_EmptyValue_IsAbsent() => Assert.Null(CniArguments.Parse("K=")["K"]);

    [Theory]
    [InlineData("K", "K")]
    [InlineData("K=a=b", "K=a=b")]
    [InlineData("=v", "=v")]
    [InlineData("IgnoreUnknown=1;", "")]
    [InlineData("A=1;;B=2", "")]
    public void Parse_PairWithoutOneEquals_IsNamed(string text, string pair)
    {
        CniException error = Assert.Throws<CniException>(() => CniArguments.Parse(text));

        Assert.Equal(CniErrorCode.InvalidEnvironment, error.Code);
        Assert.Equal($"ARGS: invalid pair \"{pair}\"", error.Message);
    }
}
