namespace Musubi.Linux.Links;

/// <summary>A network interface's index, unique within its network namespace.</summary>
/// <param name="Value">The number as the kernel gives it.</param>
public readonly record struct LinkIndex(int Value)
{
    /// <summary>No interface. As a master it takes a link out of its bridge.</summary>
    public static LinkIndex None => default;

    /// <summary>Whether this is <see cref="None"/>.</summary>
    public bool IsNone => Value == 0;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}
