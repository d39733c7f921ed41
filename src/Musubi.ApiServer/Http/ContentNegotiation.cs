using System.Globalization;

namespace Musubi.ApiServer.Http;

/// <summary>The forms in which objects are answered.</summary>
internal enum Representation
{
    /// <summary>The objects.</summary>
    Object,

    /// <summary>Rows and columns for a person.</summary>
    Table,

    /// <summary>Only metadata.</summary>
    Metadata,

    /// <summary>Aggregated discovery.</summary>
    Discovery,
}

/// <summary>What a client accepts and this server offers.</summary>
/// <param name="Form">The form.</param>
/// <param name="Version">Version of the form's group, for tables <c>v1</c> or <c>v1beta1</c>.</param>
/// <param name="Yaml">The content type is YAML (of which JSON is a subset).</param>
/// <param name="Pretty">Indented, for a person.</param>
internal readonly record struct Accepted(Representation Form, string Version, bool Yaml, bool Pretty)
{
    public string ContentType => Yaml ? "application/yaml" : "application/json";
}

/// <summary>Reads Accept headers.</summary>
internal static class ContentNegotiation
{
    /// <summary>The best clause that is offered; null when there is none.</summary>
    /// <param name="header">The Accept header; empty accepts anything.</param>
    /// <param name="offersTransformations">Tables and metadata may be asked for.</param>
    public static Accepted? Choose(string? header, bool offersTransformations)
    {
        if (string.IsNullOrWhiteSpace(header)) return new Accepted(Representation.Object, "", Yaml: false, Pretty: false);
        Accepted? best = null;
        double bestQuality = 0;
        foreach (Range range in header.AsSpan().Split(','))
        {
            (Accepted? offered, double quality) = Read(header.AsSpan()[range], offersTransformations);
            if (offered is not null && quality > bestQuality) (best, bestQuality) = (offered, quality);
        }
        return best;
    }

    private static (Accepted?, double) Read(ReadOnlySpan<char> clause, bool offersTransformations)
    {
        string type = "", form = "", group = "", version = "";
        double quality = 1;
        bool pretty = false, first = true;
        foreach (Range range in clause.Split(';'))
        {
            ReadOnlySpan<char> part = clause[range].Trim();
            if (first)
            {
                type = part.ToString().ToLowerInvariant();
                first = false;
                continue;
            }
            int equals = part.IndexOf('=');
            if (equals < 0) continue;
            ReadOnlySpan<char> value = part[(equals + 1)..].Trim().Trim('"');
            switch (part[..equals].Trim())
            {
                case "q": quality = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double q) ? q : 1; break;
                case "as": form = value.ToString(); break;
                case "g": group = value.ToString(); break;
                case "v": version = value.ToString(); break;
                case "pretty": pretty = value is not ("0" or "false"); break;
            }
        }
        bool yaml = type is "application/yaml" or "text/yaml";
        if (!yaml && type is not ("application/json" or "*/*" or "application/*")) return (null, 0);
        Representation? representation = (form, group) switch
        {
            ("", _) => Representation.Object,
            ("Table", "meta.k8s.io") when offersTransformations && version is "v1" or "v1beta1" => Representation.Table,
            ("PartialObjectMetadata" or "PartialObjectMetadataList", "meta.k8s.io") when offersTransformations && version is "v1" or "v1beta1" =>
                Representation.Metadata,
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io") when !offersTransformations && version == "v2" => Representation.Discovery,
            _ => null,
        };
        return representation is null ? (null, 0) : (new Accepted(representation.Value, version, yaml, pretty), quality);
    }
}
