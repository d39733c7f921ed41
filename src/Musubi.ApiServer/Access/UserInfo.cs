using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Musubi.ApiServer.Access;

/// <summary>Who makes a request.</summary>
internal sealed record UserInfo(string Name, IReadOnlyList<string> Groups)
{
    private const string Masters = "system:masters";
    private const string Authenticated = "system:authenticated";
    private static readonly object s_key = new();

    public static UserInfo Anonymous { get; } = new("system:anonymous", ["system:unauthenticated"]);

    /// <summary>Allowed everything.</summary>
    public bool IsMaster => Groups.Contains(Masters);

    public bool IsAnonymous => ReferenceEquals(this, Anonymous);

    /// <summary>The name is the certificate's common name, its organizations are the groups.</summary>
    public static UserInfo FromCertificate(X509Certificate2 certificate)
    {
        string name = "";
        var groups = new List<string>();
        foreach (X500RelativeDistinguishedName part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements) continue;
            if (part.GetSingleElementType().Value == "2.5.4.3") name = part.GetSingleElementValue() ?? "";
            else if (part.GetSingleElementType().Value == "2.5.4.10" && part.GetSingleElementValue() is { } group) groups.Add(group);
        }
        return new UserInfo(name, [.. groups, Authenticated]);
    }

    public static UserInfo Of(HttpContext context) => context.Items[s_key] as UserInfo ?? Anonymous;

    public void Attach(HttpContext context) => context.Items[s_key] = this;

    public JsonObject ToJson() => new()
    {
        ["username"] = Name,
        ["groups"] = new JsonArray([.. Groups.Select(g => (JsonNode?)JsonValue.Create(g))]),
    };
}
