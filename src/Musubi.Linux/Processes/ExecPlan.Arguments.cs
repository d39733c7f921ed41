using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Musubi.Linux.Processes;

/// <summary>The plan as arguments of the program that carries it out: options, <c>--</c>, and the command.</summary>
public sealed partial record ExecPlan
{
    private const string NetnsOption = "--netns";
    private const string CgroupOption = "--cgroup";
    private const string UidOption = "--uid";
    private const string GidOption = "--gid";
    private const string GroupsOption = "--groups";
    private const string NewSessionOption = "--new-session";
    private const string NoNewPrivilegesOption = "--no-new-privs";
    private const string ParentDeathSignalOption = "--parent-death-signal";
    private const string ParentIdOption = "--parent-pid";
    private const string KeepDescriptorOption = "--keep-fd";
    private const string DirectoryOption = "--directory";

    /// <summary>The plan as arguments.</summary>
    public IReadOnlyList<string> ToArguments()
    {
        List<string> arguments = [];
        void Add(string option, string? value)
        {
            if (value is not null)
            {
                arguments.Add(option);
                arguments.Add(value);
            }
        }

        Add(NetnsOption, NetworkNamespacePath);
        Add(CgroupOption, CgroupPath);
        Add(UidOption, UserId?.ToString(CultureInfo.InvariantCulture));
        Add(GidOption, GroupId?.ToString(CultureInfo.InvariantCulture));
        Add(GroupsOption, SupplementaryGroups is null ? null : string.Join(',', SupplementaryGroups));
        Add(ParentDeathSignalOption, ParentDeathSignal?.ToString().ToUpperInvariant());
        Add(ParentIdOption, ParentId?.ToString(CultureInfo.InvariantCulture));
        Add(DirectoryOption, WorkingDirectory);
        foreach (int descriptor in KeepDescriptors)
        {
            Add(KeepDescriptorOption, descriptor.ToString(CultureInfo.InvariantCulture));
        }

        if (NewSession)
        {
            arguments.Add(NewSessionOption);
        }

        if (NoNewPrivileges)
        {
            arguments.Add(NoNewPrivilegesOption);
        }

        arguments.Add("--");
        arguments.AddRange(Command);
        return arguments;
    }

    /// <summary>Reads a plan from arguments.</summary>
    /// <param name="arguments">Options, <c>--</c>, and the command.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="error">What is wrong, when something is.</param>
    public static bool TryParse(IReadOnlyList<string> arguments, [NotNullWhen(true)] out ExecPlan? plan, [NotNullWhen(false)] out string? error)
    {
        ExecPlan result = new() { Command = [] };
        List<int> descriptors = [];
        plan = null;
        error = null;
        for (int i = 0; i < arguments.Count; i++)
        {
            string option = arguments[i];
            if (option == "--")
            {
                List<string> command = [];
                for (i++; i < arguments.Count; i++)
                {
                    command.Add(arguments[i]);
                }

                result = result with { Command = command, KeepDescriptors = descriptors };
                break;
            }

            if (option is NewSessionOption or NoNewPrivilegesOption)
            {
                result = option == NewSessionOption ? result with { NewSession = true } : result with { NoNewPrivileges = true };
                continue;
            }

            if (i + 1 == arguments.Count)
            {
                error = $"{option}: unknown option, or its value is missing";
                return false;
            }

            if (!TrySet(option, arguments[++i], ref result, descriptors))
            {
                error = $"{option} {arguments[i]}: unknown option, or its value is not valid";
                return false;
            }
        }

        if (result.Command.Count == 0)
        {
            error = "the command is missing: expected -- and then the program's path and arguments";
            return false;
        }

        plan = result;
        return true;
    }

    private static bool TrySet(string option, string value, ref ExecPlan plan, List<int> descriptors)
    {
        switch (option)
        {
            case NetnsOption:
                plan = plan with { NetworkNamespacePath = value };
                return true;
            case CgroupOption:
                plan = plan with { CgroupPath = value };
                return true;
            case DirectoryOption:
                plan = plan with { WorkingDirectory = value };
                return true;
            case UidOption when TryNumber(value, out uint user):
                plan = plan with { UserId = user };
                return true;
            case GidOption when TryNumber(value, out uint group):
                plan = plan with { GroupId = group };
                return true;
            case ParentIdOption when TryNumber(value, out uint parent):
                plan = plan with { ParentId = (int)parent };
                return true;
            case KeepDescriptorOption when TryNumber(value, out uint descriptor):
                descriptors.Add((int)descriptor);
                return true;
            case ParentDeathSignalOption when Enum.TryParse(value, ignoreCase: true, out Signal signal) && Enum.IsDefined(signal):
                plan = plan with { ParentDeathSignal = signal };
                return true;
            case GroupsOption when TryGroups(value, out List<uint> groups):
                plan = plan with { SupplementaryGroups = groups };
                return true;
            default:
                return false;
        }
    }

    private static bool TryGroups(string text, out List<uint> groups)
    {
        groups = [];
        foreach (Range part in text.AsSpan().Split(','))
        {
            if (text.AsSpan(part).IsEmpty && text.Length == 0)
            {
                continue;
            }

            if (!TryNumber(text.AsSpan(part), out uint group))
            {
                return false;
            }

            groups.Add(group);
        }

        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= int.MaxValue;
}
