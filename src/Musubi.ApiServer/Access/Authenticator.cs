using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Access;

/// <summary>
/// Finds out who makes a request. Each way of proving it is tried in turn: nothing presented leads to the anonymous user, something
/// presented and wrong is refused.
/// </summary>
internal sealed class Authenticator(X509Certificate2 clientAuthority, TimeProvider time)
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private static readonly object s_connectionUser = new();

    /// <exception cref="ApiException">401.</exception>
    public UserInfo Authenticate(HttpContext context)
    {
        if (context.Request.Headers.Authorization.Count > 0) throw Refused();
        if (context.Connection.ClientCertificate is not { } certificate) return UserInfo.Anonymous;
        // The certificate is the connection's: judged once, not with each request.
        IDictionary<object, object?>? items = context.Features.Get<IConnectionItemsFeature>()?.Items;
        if (items is not null && items.TryGetValue(s_connectionUser, out object? known) && known is UserInfo user) return user;
        if (!IsTrusted(certificate)) throw Refused();
        user = UserInfo.FromCertificate(certificate);
        if (items is not null) items[s_connectionUser] = user;
        return user;
    }

    private bool IsTrusted(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(clientAuthority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid(ClientAuthentication));
        return chain.Build(certificate);
    }

    private static ApiException Refused() => new(ApiStatus.Failure(HttpStatusCode.Unauthorized, "Unauthorized", "Unauthorized"));
}
