namespace Musubi.Launcher;

/// <summary>What the program says of itself.</summary>
internal static class Usage
{
    public const int BadInput = 2;

    public const string Text = """
        Runs one virtual machine inside its pod's network namespace.

        Usage:
          musubi-launcher run --machine DIRECTORY   run the machine described by DIRECTORY/machine.json to its end
          musubi-launcher probe                     tell whether KVM works here: kvm or tcg, a tab, and why
          musubi-launcher exec [OPTIONS] -- COMMAND [ARGUMENTS]
                                                    become COMMAND in another namespace, cgroup or user
          musubi-launcher version

        Options of exec:
          --netns PATH                   enter the network namespace
          --cgroup PATH                  join the control group, as musubi/4711
          --new-session                  leave the caller's session and terminal
          --directory PATH               change to the directory
          --uid N, --gid N, --groups N,N become this user, group, and member of these groups
          --no-new-privs                 nothing executed from here on can gain privileges
          --parent-death-signal SIGNAL   the signal to get when the caller ends
          --parent-pid N                 the caller; nothing is executed when it has ended already
          --keep-fd N                    keep this descriptor open (repeatable)

        Exit codes of run: 0 the guest powered off or was asked to, 1 the machine failed (status.json says why), 2 bad input.
        """;

    public static int Fail()
    {
        Console.Error.WriteLine(Text);
        return BadInput;
    }
}
