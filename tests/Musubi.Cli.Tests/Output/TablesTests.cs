using Musubi.Cli.Output;
using Spectre.Console;

namespace Musubi.Cli.Tests.Output;

[Collection("console")]
public sealed class TablesTests : IDisposable
{
    private readonly TextWriter _before = Console.Out;
    private readonly StringWriter _output = new();

    public TablesTests()
    {
        AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
        Console.SetOut(_output);
    }

    public void Dispose() => Console.SetOut(_before);

    [Fact]
    public void Write_ColumnsAreAsWideAsTheirWidestCell()
    {
        Tables.Write(["NAME", "STATUS"], [["vm-a", "Running"], ["a-longer-name", "Failed"]]);

        Assert.Equal("NAME            STATUS\nvm-a            Running\na-longer-name   Failed\n", _output.ToString());
    }

    [Fact]
    public void Write_WithoutRows_ShowsTheHeads()
    {
        Tables.Write(["NAME", "STATUS"], []);

        Assert.Equal("NAME   STATUS\n", _output.ToString());
    }

    [Fact]
    public void Write_TextThatLooksLikeMarkup_IsPrintedAsItIs()
    {
        Tables.Write(["NAME"], [["[red]x[/]"]]);

        Assert.Equal("NAME\n[red]x[/]\n", _output.ToString());
    }
}
