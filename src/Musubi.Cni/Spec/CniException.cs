namespace Musubi.Cni.Spec;

/// <summary>The error codes of the CNI specification, section "Error", and the ones its reference library adds.</summary>
public static class CniErrorCode
{
    /// <summary>The plugin does not speak the configuration's version.</summary>
    public const int IncompatibleVersion = 1;

    /// <summary>A configuration key has a value that the plugin does not support; the message names both.</summary>
    public const int UnsupportedField = 2;

    /// <summary>The container is unknown; nothing is left to clean up.</summary>
    public const int UnknownContainer = 3;

    /// <summary>A <c>CNI_…</c> environment variable is missing or malformed.</summary>
    public const int InvalidEnvironment = 4;

    /// <summary>Reading or writing failed.</summary>
    public const int IoFailure = 5;

    /// <summary>The configuration is not the JSON it should be.</summary>
    public const int DecodingFailure = 6;

    /// <summary>The configuration is well-formed and wrong.</summary>
    public const int InvalidNetworkConfig = 7;

    /// <summary><c>CNI_NETNS</c> is unusable, or is the plugin's own namespace.</summary>
    public const int InvalidNetns = 8;

    /// <summary>Nothing is wrong for good; the runtime should try again later.</summary>
    public const int TryAgainLater = 11;

    /// <summary>STATUS: the plugin cannot serve ADD now.</summary>
    public const int PluginNotAvailable = 50;

    /// <summary>The operation failed in the kernel or elsewhere; what the reference library gives for every other error.</summary>
    public const int Internal = 999;
}

/// <summary>An operation failed in the terms of the CNI specification: a code, a message, and details.</summary>
public sealed class CniException : Exception
{
    /// <summary>A failure with a code of <see cref="CniErrorCode"/>.</summary>
    public CniException(int code, string message, string? details = null, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        Details = details;
    }

    /// <summary>One of <see cref="CniErrorCode"/>, or 100 and above for a plugin's own.</summary>
    public int Code { get; }

    /// <summary>More than the message says, or null.</summary>
    public string? Details { get; }

    /// <summary>The configuration is well-formed and wrong; the message names the key.</summary>
    public static CniException InvalidConfig(string message) => new(CniErrorCode.InvalidNetworkConfig, message);

    /// <summary>Puts what was being done before the reason it failed; a code already given is kept.</summary>
    public static CniException Wrap(string doing, Exception why) => why is CniException known
        ? new(known.Code, $"{doing}: {known.Message}", known.Details, known)
        : new(CniErrorCode.Internal, $"{doing}: {why.Message}", details: null, why);
}
