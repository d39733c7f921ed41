using System.Text.Json.Nodes;
using Musubi.Api.Admission;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Tests.Validation;

/// <summary>
/// Every folder below Scenarios is a case: <c>input.yaml</c> is admitted (as a change of <c>old.yaml</c> when that is there), and
/// <c>expected.yaml</c> lists all errors and warnings, and optionally parts of the object after defaulting.
/// </summary>
public class ScenarioTests
{
    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "Scenarios");

    public static TheoryData<string> Names => [.. Directory.EnumerateDirectories(Root).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Admit_Scenario_GivesExpectedVerdict(string name)
    {
        JsonObject input = Read(name, "input.yaml")!;
        JsonObject? old = Read(name, "old.yaml");
        JsonObject expected = Read(name, "expected.yaml")!;
        IObjectAdmission admission = ObjectAdmissions.All.Single(a => a.Resource.ApiVersion == input.Text("apiVersion") && a.Resource.Kind == input.Text("kind"));

        admission.Default(input, old);
        AdmissionVerdict verdict = admission.Validate(input, old);

        string[] wanted = [.. Entries(expected, "errors").Select(e => $"{e.Text("field")} {e.Text("reason")}").Order(StringComparer.Ordinal)];
        string[] actual = [.. verdict.Errors.Select(e => $"{e.Field} {e.Reason}").Order(StringComparer.Ordinal)];
        Assert.True(wanted.SequenceEqual(actual), $"expected:\n{string.Join('\n', wanted)}\nfound:\n{string.Join('\n', verdict.Errors)}");
        foreach (JsonObject error in Entries(expected, "errors").Where(e => e.ContainsKey("message")))
        {
            Assert.Contains(verdict.Errors, e => e.Field == error.Text("field") && e.Message.Contains(error["message"]!.ToString(), StringComparison.Ordinal));
        }

        string[] warnings = [.. (expected.Array("warnings") ?? []).Select(w => w!.GetValue<string>())];
        Assert.Equal(warnings.Length, verdict.Warnings.Count);
        Assert.All(warnings, w => Assert.Contains(verdict.Warnings, v => v.Contains(w, StringComparison.Ordinal)));
        if (expected["defaulted"] is { } part)
        {
            AssertContains(part, input, "");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Default_Twice_ChangesNothing(string name)
    {
        JsonObject input = Read(name, "input.yaml")!;
        IObjectAdmission admission = ObjectAdmissions.All.Single(a => a.Resource.ApiVersion == input.Text("apiVersion") && a.Resource.Kind == input.Text("kind"));
        admission.Default(input, old: null);
        JsonNode once = input.DeepClone();
        admission.Default(input, once.AsObject());
        Assert.True(JsonNode.DeepEquals(once, input));
    }

    private static JsonObject? Read(string name, string file)
    {
        string path = Path.Combine(Root, name, file);
        if (!File.Exists(path))
        {
            return null;
        }

        IReadOnlyList<JsonNode> documents = YamlReader.ReadAll(File.ReadAllText(path));
        return documents.Count == 0 ? [] : documents[0].AsObject();
    }

    private static IEnumerable<JsonObject> Entries(JsonObject expected, string list) => (expected.Array(list) ?? []).Select(e => e!.AsObject());

    private static void AssertContains(JsonNode? part, JsonNode? whole, string path)
    {
        if (part is JsonObject members)
        {
            foreach ((string name, JsonNode? value) in members)
            {
                AssertContains(value, (whole as JsonObject)?[name], $"{path}.{name}");
            }
        }
        else if (part is JsonArray list)
        {
            Assert.True(whole is JsonArray actual && actual.Count == list.Count, $"{path}: {whole?.ToJsonString()}");
            for (int i = 0; i < list.Count; i++)
            {
                AssertContains(list[i], whole![i], $"{path}[{i}]");
            }
        }
        else
        {
            Assert.True(JsonNode.DeepEquals(part, whole), $"{path}: expected {part?.ToJsonString()}, found {whole?.ToJsonString()}");
        }
    }
}
