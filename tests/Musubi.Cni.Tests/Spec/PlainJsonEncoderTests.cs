using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Tests.Spec;

public sealed class PlainJsonEncoderTests
{
    /// <summary>Whatever text is written is what a reader gets; only halves of pairs, which are no text, are replaced.</summary>
    [Fact]
    public void AnyText_IsReadBack() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), text => WriteAndRead(text) == Valid(text)).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("\"\\/<>&'+\u0000\u001f\u007f\u00e9\u2028\U0001f984")]
    [InlineData("half \ud800")]
    [InlineData("\udc00 other half")]
    public void AwkwardText_IsReadBack(string text) => Assert.Equal(Valid(text), WriteAndRead(text));

    private static string Valid(string? text) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text ?? ""));

    private static string WriteAndRead(string? text)
    {
        CniResult result = new() { Interfaces = [new CniInterface(text ?? "")] };
        using JsonDocument read = JsonDocument.Parse(CniResultJson.Write(result, CniVersion.V110));
        return read.RootElement.GetProperty("interfaces")[0].GetProperty("name").GetString()!;
    }
}
