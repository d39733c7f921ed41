using System.Text;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Tests.Spec;

public sealed class ConfigObjectTests
{
    private static ConfigObject Parse(string json) => ConfigObject.Parse(Encoding.UTF8.GetBytes(json));

    [Fact]
    public void Key_OfOtherCase_IsFound() => Assert.Equal("x", Parse("""{"NAME":"x"}""").Text("name"));

    [Theory]
    [InlineData("""{"Name":"loose","name":"exact"}""")]
    [InlineData("""{"name":"exact","Name":"loose"}""")]
    public void Key_ExactAndLoose_ExactWins(string json) => Assert.Equal("exact", Parse(json).Text("name"));

    [Fact]
    public void Key_Repeated_LastWins() => Assert.Equal("b", Parse("""{"name":"a","name":"b"}""").Text("name"));

    [Fact]
    public void Null_OfEveryType_IsAbsent()
    {
        ConfigObject config = Parse("""{"a":null}""");

        Assert.Null(config.Text("a"));
        Assert.Null(config.Flag("a"));
        Assert.Null(config.Number("a"));
        Assert.Null(config.Object("a"));
        Assert.Null(config.List("a"));
        Assert.Null(config.Texts("a"));
        Assert.Null(config.Objects("a"));
    }

    [Theory]
    [InlineData("""{"o":{"k":1}}""", "o.k must be a string, not 1")]
    [InlineData("""{"o":{"k":{}}}""", "o.k must be a string, not {}")]
    public void Text_OfWrongType_IsNamedByItsPath(string json, string message) =>
        Assert.Equal(message, Assert.Throws<CniException>(() => Parse(json).Object("o")!.Value.Text("k")).Message);

    [Theory]
    [InlineData("\"1500\"")]
    [InlineData("1.5")]
    [InlineData("1e400")]
    [InlineData("2147483648")]
    [InlineData("true")]
    public void Number_OfWrongType_IsNamedByItsPath(string value)
    {
        CniException error = Assert.Throws<CniException>(() => Parse($$"""{"mtu":{{value}}}""").Number("mtu"));

        Assert.Equal(CniErrorCode.InvalidNetworkConfig, error.Code);
        Assert.StartsWith("mtu must be a whole number of 32 bits, not ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Flag_AsText_IsRefused() =>
        Assert.Equal("isGateway must be true or false, not \"true\"", Assert.Throws<CniException>(() => Parse("""{"isGateway":"true"}""").Flag("isGateway")).Message);

    [Fact]
    public void ListItem_OfWrongType_IsNamedByItsIndex()
    {
        ConfigObject config = Parse("""{"o":{"l":["a",2]}}""").Object("o")!.Value;

        Assert.Equal("o.l[1] must be a string, not 2", Assert.Throws<CniException>(() => config.Texts("l")).Message);
        Assert.Equal("o.l[0] must be an object, not \"a\"", Assert.Throws<CniException>(() => config.Objects("l")).Message);
    }

    [Fact]
    public void WrongValue_Long_IsCutInTheMessage() =>
        Assert.True(Assert.Throws<CniException>(() => Parse($$"""{"a":[{{string.Join(',', Enumerable.Repeat(1, 1000))}}]}""").Text("a")).Message.Length < 100);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[1]")]
    [InlineData("null")]
    [InlineData("{} x")]
    [InlineData("""{"a":1,}""")]
    public void Document_NotAnObject_IsDecodingFailure(string json) =>
        Assert.Equal(CniErrorCode.DecodingFailure, Assert.Throws<CniException>(() => Parse(json)).Code);

    [Fact]
    public void Document_NestedTooDeep_IsDecodingFailure() =>
        Assert.Equal(CniErrorCode.DecodingFailure, Assert.Throws<CniException>(() => Parse(string.Concat(Enumerable.Repeat("{\"a\":", 100_000)))).Code);

    [Fact]
    public void Text_HalfASurrogatePair_IsRefusedByItsPath() =>
        Assert.Equal("a is not valid Unicode text", Assert.Throws<CniException>(() => Parse("""{"a":"\ud800"}""").Text("a")).Message);

    [Theory]
    [InlineData("7b225c7564383030223a312c2261223a2278227d")] // {"\ud800":1,"a":"x"}
    [InlineData("7b22ff223a312c2261223a2278227d")] // a key that is the byte 0xff
    [InlineData("7b2261223a5b7b225c7564383030223a317d5d7d")] // {"a":[{"\ud800":1}]}
    public void Key_NotUnicode_IsDecodingFailure(string hex) =>
        Assert.Equal(CniErrorCode.DecodingFailure, Assert.Throws<CniException>(() => ConfigObject.Parse(Convert.FromHexString(hex))).Code);
}
