using Musubi.Cni.Spec;

namespace Musubi.Cni.Tests.Spec;

public sealed class InvocationTests
{
    private static CniInvocation From(params (string Key, string Value)[] variables) =>
        CniInvocation.FromEnvironment(key => variables.FirstOrDefault(v => v.Key == key).Value);

    private static CniException Refused(params (string Key, string Value)[] variables)
    {
        CniException error = Assert.Throws<CniException>(() => From(variables));
        Assert.Equal(CniErrorCode.InvalidEnvironment, error.Code);
        return error;
    }

    [Theory]
    [InlineData("ADD", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH")]
    [InlineData("CHECK", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH")]
    [InlineData("DEL", "CNI_CONTAINERID,CNI_IFNAME,CNI_PATH")]
    [InlineData("GC", "CNI_PATH")]
    [InlineData("STATUS", "CNI_PATH")]
    public void Environment_Empty_EveryMissingVariableIsNamed(string command, string missing) =>
        Assert.Equal($"required env variables [{missing}] missing", Refused(("CNI_COMMAND", command)).Message);

    [Fact]
    public void Environment_OfVersion_NeedsNothingElse() => Assert.Equal(CniCommand.Version, From(("CNI_COMMAND", "VERSION")).Command);

    [Theory]
    [InlineData("add")]
    [InlineData("REMOVE")]
    public void Command_Unknown_IsNamed(string command) =>
        Assert.Equal($"unknown CNI_COMMAND: {command}", Refused(("CNI_COMMAND", command)).Message);

    [Theory]
    [InlineData("-a")]
    [InlineData("../x")]
    [InlineData("a b")]
    [InlineData("é")]
    public void ContainerId_Malformed_WinsOverMissingVariables(string id)
    {
        CniException error = Refused(("CNI_COMMAND", "ADD"), ("CNI_CONTAINERID", id));

        Assert.Equal("invalid characters in CNI_CONTAINERID", error.Message);
        Assert.Equal(id, error.Details);
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a:b")]
    [InlineData("a b")]
    [InlineData("a\u2003b")]
    [InlineData("sixteen-bytes-xx")]
    [InlineData("éééééééé")]
    public void IfName_Malformed_IsRefused(string name) =>
        Assert.StartsWith("invalid CNI_IFNAME: ", Refused(("CNI_COMMAND", "ADD"), ("CNI_IFNAME", name)).Message, StringComparison.Ordinal);

    [Fact]
    public void Environment_Complete_IsRead()
    {
        CniInvocation call = From(
            ("CNI_COMMAND", "ADD"), ("CNI_CONTAINERID", "c_1.2-3"), ("CNI_NETNS", "/n"), ("CNI_IFNAME", "fifteen-bytes-x"), ("CNI_PATH", "/a:/b"), ("CNI_ARGS", "K=V"), ("CNI_NETNS_OVERRIDE", "True"));

        Assert.Equal(("c_1.2-3", "/n", "fifteen-bytes-x", "/a:/b", "K=V", true), (call.ContainerId, call.Netns, call.IfName, call.Path, call.Args, call.NetnsOverride));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("yes")]
    [InlineData("")]
    public void NetnsOverride_OtherText_IsOff(string value) =>
        Assert.False(From(("CNI_COMMAND", "STATUS"), ("CNI_PATH", "/a"), ("CNI_NETNS_OVERRIDE", value)).NetnsOverride);
}
