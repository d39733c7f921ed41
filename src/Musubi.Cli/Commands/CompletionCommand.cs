using System.CommandLine;

namespace Musubi.Cli.Commands;

/// <summary><c>musubi completion SHELL</c>: a script that asks this program for completions, so that it never falls behind.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _musubi_complete() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$(musubi "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _musubi_complete musubi
        """;

    private const string Zsh = """
        _musubi_complete() {
          local -a completions
          completions=("${(@f)$(musubi "[suggest:${#BUFFER}]" "${BUFFER}" 2>/dev/null)}")
          compadd -a completions
        }
        compdef _musubi_complete musubi
        """;

    private const string Fish = """
        complete -f -c musubi -a '(musubi "[suggest:"(commandline -C)"]" (commandline) 2>/dev/null)'
        """;

    public static Command Create()
    {
        Argument<string> shell = new("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        Command command = new("completion", "Print a completion script; in bash: source <(musubi completion bash)") { shell };
        command.SetAction(parsed =>
        {
            Console.Out.WriteLine(parsed.GetValue(shell) switch { "zsh" => Zsh, "fish" => Fish, _ => Bash });
            return 0;
        });
        return command;
    }
}
