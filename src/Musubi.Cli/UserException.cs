namespace Musubi.Cli;

/// <summary>Something the user can mend: the message says what is wrong and what to do. Shown without a stack trace, exit code 1.</summary>
internal sealed class UserException(string message) : Exception(message);
