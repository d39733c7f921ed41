using Microsoft.Extensions.Logging;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers;

/// <summary>Log messages of this project; event ids 2100 to 2199.</summary>
internal static partial class ControllersLog
{
    [LoggerMessage(EventId = 2100, Level = LogLevel.Warning, Message = "Nodes were not looked at, trying again: {Reason}")]
    internal static partial void NodesNotJudged(this ILogger log, string reason);

    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "Removed pod {Pod}: its node {Node} does not exist")]
    internal static partial void OrphanRemoved(this ILogger log, ObjectKey pod, string node);
}
