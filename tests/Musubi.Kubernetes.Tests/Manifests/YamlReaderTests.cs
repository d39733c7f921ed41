using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Kubernetes.Manifests;

namespace Musubi.Kubernetes.Tests.Manifests;

public class YamlReaderTests
{
    [Theory]
    [InlineData("yes", "true")]
    [InlineData("Off", "false")]
    [InlineData("'yes'", "\"yes\"")]
    [InlineData("~", "null")]
    [InlineData("", "null")]
    [InlineData("0755", "493")]
    [InlineData("0o17", "15")]
    [InlineData("0x1F", "31")]
    [InlineData("1_000", "1000")]
    [InlineData("-12", "-12")]
    [InlineData("1.50", "1.5")]
    [InlineData("1e3", "1000")]
    [InlineData("18446744073709551615", "18446744073709551615")]
    [InlineData("09", "9")]
    [InlineData("2001-01-01", "\"2001-01-01\"")]
    [InlineData("1.2.3", "\"1.2.3\"")]
    [InlineData("10:30", "\"10:30\"")]
    [InlineData("- not: a list", "[{\"not\":\"a list\"}]")]
    [InlineData("!!str 12", "\"12\"")]
    [InlineData("|\n    line\n", "\"line\\n\"")]
    public void ReadObject_Scalar_HasJsonMeaning(string yaml, string json)
    {
        JsonObject document = YamlReader.ReadObject($"value: {(yaml.StartsWith('-') && yaml.Contains(':', StringComparison.Ordinal) ? "\n" + yaml : yaml)}");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), document["value"]), document.ToJsonString());
    }

    [Theory]
    [InlineData("a: 1\na: 2", "twice")]
    [InlineData("a: [1", "line")]
    [InlineData("a: .inf", "no JSON form")]
    [InlineData("a: *nowhere", "nowhere")]
    [InlineData("? [a]\n: 1", "key")]
    [InlineData("a: !!binary aGk=", "tag")]
    [InlineData("- a", "object")]
    [InlineData("", "empty")]
    [InlineData("a: 1\n---\nb: 2", "one document")]
    public void ReadObject_Unusable_SaysWhy(string yaml, string why)
    {
        ManifestException e = Assert.Throws<ManifestException>(() => YamlReader.ReadObject(yaml));
        Assert.Contains(why, e.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void ReadObject_AnchorsAndMergeKey_AreExpanded()
    {
        JsonObject document = YamlReader.ReadObject("base: &b {x: 1, z: 2}\nother:\n  <<: *b\n  z: 3\ncopy: *b");
        Assert.Equal("{\"z\":3,\"x\":1}", document["other"]!.ToJsonString());
        Assert.Equal("{\"x\":1,\"z\":2}", document["copy"]!.ToJsonString());
    }

    [Fact]
    public void ReadAll_AliasesThatExplode_AreRefused()
    {
        string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(1, 8).Select(i => $"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));
        ManifestException e = Assert.Throws<ManifestException>(() => YamlReader.ReadAll(bomb));
        Assert.Contains("aliases", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadAll_DeepNesting_IsRefused() => Assert.Throws<ManifestException>(() => YamlReader.ReadAll(new string('[', 500)));

    [Fact]
    public void ReadAll_AnyText_GivesValuesOrManifestException() =>
        Prop.ForAll<string>(text =>
        {
            try
            {
                _ = YamlReader.ReadAll(text ?? "");
            }
            catch (ManifestException)
            {
                return true;
            }

            return true;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Parse_ListsAndDocuments_NameTheirPlace()
    {
        IReadOnlyList<Manifest> all = Manifest.Parse(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: one}
            ---
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Secret, metadata: {name: two, namespace: other}}
            """,
            "all.yaml");
        Assert.Equal(["one", "two"], all.Select(m => m.Name));
        Assert.Equal("all.yaml#2, items[0]", all[1].Source);
        Assert.Equal("other", all[1].Namespace);
    }

    [Fact]
    public void Parse_MissingKind_NamesFileAndField()
    {
        ManifestException e = Assert.Throws<ManifestException>(() => Manifest.Parse("apiVersion: v1\nmetadata: {name: x}", "vm.yaml"));
        Assert.Equal("vm.yaml: kind is missing", e.Message);
    }

    [Fact]
    public void Parse_NameThatYamlReadsAsBoolean_AsksForQuotes()
    {
        ManifestException e = Assert.Throws<ManifestException>(() => Manifest.Parse("apiVersion: v1\nkind: Pod\nmetadata: {name: n}", "vm.yaml"));
        Assert.Equal("vm.yaml: metadata.name must be a text, found false; words like y, no and on, and numbers, need quotes", e.Message);
    }
}
