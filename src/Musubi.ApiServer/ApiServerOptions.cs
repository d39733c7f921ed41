using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Musubi.Api.Admission;
using Musubi.Linux.Addresses;

namespace Musubi.ApiServer;

/// <summary>How the API server is to be run.</summary>
public sealed record ApiServerOptions
{
    /// <summary>Where everything is kept: the store, certificates. Made when absent, for the owner only.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>TCP port on 127.0.0.1; 0 picks a free one.</summary>
    /// <value>The default is 6443.</value>
    public int Port { get; init; } = 6443;

    /// <summary>Where the administrator's kubeconfig is written, readable by its owner only.</summary>
    /// <value>The default is <c>admin.kubeconfig</c> in the state directory.</value>
    public string? KubeconfigPath { get; init; }

    /// <summary>Defaulting and validation of the product's own kinds.</summary>
    public IReadOnlyList<IObjectAdmission> Admissions { get; init; } = [];

    /// <summary>Addresses for Services.</summary>
    /// <value>The default is 10.96.0.0/16.</value>
    public Cidr ServiceRange { get; init; } = Cidr.Parse("10.96.0.0/16");

    /// <summary>IPv6 addresses for Services.</summary>
    /// <value>The default is fd00:10:96::/112.</value>
    public Cidr ServiceRangeIPv6 { get; init; } = Cidr.Parse("fd00:10:96::/112");

    /// <summary>How long Events are kept.</summary>
    /// <value>The default is one hour.</value>
    public TimeSpan EventLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where logs go.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
