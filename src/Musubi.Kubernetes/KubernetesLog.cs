using Microsoft.Extensions.Logging;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes;

/// <summary>Log messages of this project; event ids 2000 to 2099.</summary>
internal static partial class KubernetesLog
{
    [LoggerMessage(EventId = 2000, Level = LogLevel.Debug, Message = "Listing {Resource} again: {Reason}")]
    internal static partial void VersionExpired(this ILogger log, string resource, string reason);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Warning, Message = "Cannot follow {Resource}, trying again: {Reason}")]
    internal static partial void FollowFailed(this ILogger log, string resource, string reason);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "One of {Resource} cannot be read and is left out: {Reason}")]
    internal static partial void Unreadable(this ILogger log, string resource, string reason);

    [LoggerMessage(EventId = 2010, Level = LogLevel.Warning, Message = "{Controller} {Key}: {Reason}; trying again")]
    internal static partial void ReconcileFailed(this ILogger log, string controller, ObjectKey key, string reason);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Error, Message = "{Controller} {Key}: unexpected failure; trying again")]
    internal static partial void ReconcileCrashed(this ILogger log, Exception e, string controller, ObjectKey key);

    [LoggerMessage(EventId = 2012, Level = LogLevel.Warning, Message = "{Controller} {Key}: {Reason}; waiting for a change")]
    internal static partial void ReconcileGaveUp(this ILogger log, string controller, ObjectKey key, string reason);

    [LoggerMessage(EventId = 2013, Level = LogLevel.Debug, Message = "{Controller} {Key}: {Reason}")]
    internal static partial void ReconcileConflict(this ILogger log, string controller, ObjectKey key, string reason);

    [LoggerMessage(EventId = 2020, Level = LogLevel.Warning, Message = "Event {Reason} on {Object} was not stored: {Failure}")]
    internal static partial void EventLost(this ILogger log, string reason, string @object, string failure);
}
