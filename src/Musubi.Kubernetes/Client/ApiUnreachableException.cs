namespace Musubi.Kubernetes.Client;

/// <summary>The API server could not be reached, or did not answer in time.</summary>
public sealed class ApiUnreachableException : IOException
{
    internal ApiUnreachableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
