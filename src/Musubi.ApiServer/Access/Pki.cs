using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Musubi.ApiServer.Access;

/// <summary>
/// The server's own certificate authority and the certificates it gave out, kept in a directory. What is missing, damaged or near its
/// end is made anew; the authority outlives the others, so that a client's copy of it stays good.
/// </summary>
internal sealed class Pki
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1", ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3650), LeafLifetime = TimeSpan.FromDays(365), RenewBefore = TimeSpan.FromDays(60);

    private readonly string _directory;
    private readonly DateTimeOffset _now;

    private Pki(string directory, DateTimeOffset now)
    {
        (_directory, _now) = (directory, now);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Authority = LoadOrCreate("ca", () => CreateAuthority(), isCurrent: _ => true);
        Server = LoadOrCreate("server", () => Issue("CN=musubi-apiserver", ServerAuthentication, LocalNames()), IsOurs);
        Client = LoadOrCreate("admin", () => Issue("CN=kubernetes-admin, O=system:masters", ClientAuthentication, names: null), IsOurs);
    }

    public X509Certificate2 Authority { get; }

    public X509Certificate2 Server { get; }

    public X509Certificate2 Client { get; }

    public static Pki Open(string directory, TimeProvider time) => new(directory, time.GetUtcNow());

    /// <summary>A client configuration with everything in it.</summary>
    public string Kubeconfig(string url)
    {
        static string Base64(string pem) => Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(pem));
        return $"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: musubi
              cluster:
                server: {url}
                certificate-authority-data: {Base64(Authority.ExportCertificatePem() + "\n")}
            users:
            - name: kubernetes-admin
              user:
                client-certificate-data: {Base64(Client.ExportCertificatePem() + "\n")}
                client-key-data: {Base64(KeyPem(Client) + "\n")}
            contexts:
            - name: musubi
              context:
                cluster: musubi
                user: kubernetes-admin
            current-context: musubi

            """;
    }

    /// <summary>Writes a file that only its owner can read, so that it is never seen half written.</summary>
    public static void WritePrivate(string path, string content)
    {
        string temporary = path + ".new";
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        File.Delete(temporary);
        using (var file = new FileStream(temporary, options))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(content));
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }

    private X509Certificate2 LoadOrCreate(string name, Func<X509Certificate2> create, Func<X509Certificate2, bool> isCurrent)
    {
        string certificatePath = Path.Combine(_directory, name + ".crt"), keyPath = Path.Combine(_directory, name + ".key");
        try
        {
            if (File.Exists(certificatePath) && File.Exists(keyPath))
            {
                X509Certificate2 loaded = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
                if (new DateTimeOffset(loaded.NotAfter.ToUniversalTime()) - _now > RenewBefore && isCurrent(loaded)) return loaded;
                loaded.Dispose();
            }
        }
        catch (CryptographicException)
        {
            // Damaged: made anew below, as when it is missing.
        }
        X509Certificate2 made = create();
        WritePrivate(keyPath, KeyPem(made) + "\n");
        WritePrivate(certificatePath, made.ExportCertificatePem() + "\n");
        return made;
    }

    private bool IsOurs(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = _now.UtcDateTime;
        return chain.Build(certificate);
    }

    private X509Certificate2 CreateAuthority()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=musubi-ca", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(_now.AddMinutes(-10), _now + AuthorityLifetime);
    }

    private X509Certificate2 Issue(string subject, string usage, SubjectAlternativeNameBuilder? names)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (names is not null) request.CertificateExtensions.Add(names.Build());
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        using X509Certificate2 certificate = request.Create(Authority, _now.AddMinutes(-10), _now + LeafLifetime, serial);
        return certificate.CopyWithPrivateKey(key);
    }

    private static SubjectAlternativeNameBuilder LocalNames()
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("kubernetes");
        names.AddDnsName("kubernetes.default.svc");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        return names;
    }

    private static string KeyPem(X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey() ?? throw new CryptographicException("the certificate has no key");
        return key.ExportPkcs8PrivateKeyPem();
    }
}
