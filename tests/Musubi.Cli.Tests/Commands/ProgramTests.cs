namespace Musubi.Cli.Tests.Commands;

/// <summary>Exit codes and what is printed, of commands that need no running platform.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("musubi-cli-").FullName;

    public void Dispose() => Directory.Delete(_state, recursive: true);

    private (int Code, string Output, string Errors) Run(params string[] arguments) => MusubiProgram.Run(_state, arguments);

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("vm", "frobnicate")]
    [InlineData("image", "import", "only-a-name")]
    [InlineData("completion", "tcsh")]
    [InlineData("image", "list", "-o", "xml")]
    [InlineData("version", "--no-such-option")]
    public void WrongUsage_EndsWithTwoAndSaysWhy(params string[] arguments)
    {
        (int code, _, string errors) = Run(arguments);

        Assert.Equal(2, code);
        Assert.NotEmpty(errors);
    }

    [Fact]
    public void Help_ShowsCommandsAndExitCodes()
    {
        (int code, string output, _) = Run("--help");

        Assert.Equal(0, code);
        Assert.All(["demo", "up", "down", "status", "image", "vm", "completion", "Exit codes:"], word => Assert.Contains(word, output, StringComparison.Ordinal));
    }

    [Fact]
    public void Version_IsPrinted()
    {
        (int code, string output, _) = Run("version");

        Assert.Equal(0, code);
        Assert.Matches(@"^musubi \d+\.\d+\.\d+\n$", output);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _musubi_complete musubi")]
    [InlineData("zsh", "compdef _musubi_complete musubi")]
    [InlineData("fish", "complete -f -c musubi")]
    public void Completion_PrintsAScript(string shell, string line)
    {
        (int code, string output, string errors) = Run("completion", shell);

        Assert.Equal((0, ""), (code, errors));
        Assert.Contains(line, output, StringComparison.Ordinal);
    }

    [Fact]
    public void VmList_WithoutPlatform_SaysHowToStartOne()
    {
        (int code, string output, string errors) = Run("vm", "list");

        Assert.Equal((1, ""), (code, output));
        Assert.Equal($"musubi: there is no platform in {_state}: start one with \"musubi up\"\n", errors);
    }

    [Fact]
    public void Status_WithoutPlatform_EndsWithThree() => Assert.Equal(3, Run("status").Code);

    [Fact]
    public void VmList_KubeconfigMissing_EndsWithOneWithoutStackTrace()
    {
        (int code, _, string errors) = Run("vm", "list", "--kubeconfig", "/nowhere/config");

        Assert.Equal(1, code);
        Assert.StartsWith("musubi: ", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Image_ImportedListedAndRemoved()
    {
        string disk = Path.Combine(_state, "disk.img");
        File.WriteAllText(disk, "12345");

        Assert.Equal(0, Run("image", "import", "musubi/guest", disk).Code);
        (int code, string output, _) = Run("image", "list");
        Assert.Equal(0, code);
        Assert.Matches(@"^NAME +SIZE +IMPORTED\nmusubi/guest:latest +0\.0 KiB +\d{4}-", output);
        Assert.Contains("\"name\": \"musubi/guest:latest\"", Run("image", "list", "-o", "json").Output, StringComparison.Ordinal);
        Assert.Equal(0, Run("image", "rm", "musubi/guest").Code);

        (code, _, string errors) = Run("image", "rm", "musubi/guest");
        Assert.Equal((1, "musubi: there is no image musubi/guest\n"), (code, errors));
    }

    [Fact]
    public void ImageImport_SourceMissing_EndsWithOne()
    {
        (int code, _, string errors) = Run("image", "import", "a", "/nowhere/disk.img");

        Assert.Equal(1, code);
        Assert.EndsWith("musubi: cannot import /nowhere/disk.img: there is no such file or directory\n", errors, StringComparison.Ordinal);
    }
}
