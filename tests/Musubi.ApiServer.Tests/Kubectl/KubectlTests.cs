using System.Diagnostics;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.KubectlDriven;

/// <summary>The real kubectl as a witness: what users type.</summary>
public sealed class KubectlTests : IAsyncLifetime
{
    private const string Pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, labels: {app: web}}
        spec:
          containers:
          - {name: main, image: "registry/web:1", ports: [{containerPort: 80}]}
        """;

    private TestServer _server = null!;
    private Kubectl _kubectl = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _kubectl = new Kubectl(_server.Host.KubeconfigPath);
    }

    public async ValueTask DisposeAsync()
    {
        _kubectl.Dispose();
        await _server.DisposeAsync();
    }

    [KubectlFact]
    public async Task Generators_CreateThroughProtobuf()
    {
        Assert.Contains("namespace/team created", await _kubectl.RunAsync("create namespace team"), StringComparison.Ordinal);
        await _kubectl.RunAsync("create configmap settings --from-literal=a=1 --from-literal=b=2 -n team");
        await _kubectl.RunAsync("create secret generic login --from-literal=password=geheim -n team");
        await _kubectl.RunAsync("create serviceaccount robot -n team");
        await _kubectl.RunAsync("create service clusterip web --tcp=80:8080 -n team");
        await _kubectl.RunAsync("create role reader --verb=get --resource=pods -n team");
        await _kubectl.RunAsync("create rolebinding readers --role=reader --serviceaccount=team:robot -n team");
        await _kubectl.RunAsync("create quota limits --hard=pods=3 -n team");
        await _kubectl.RunAsync("create priorityclass high --value=1000");
        await _kubectl.RunAsync("create poddisruptionbudget pdb --selector=app=web --min-available=1 -n team");
        await _kubectl.RunAsync("create ingress web --rule=host/path=web:80 -n team");
        Assert.Equal("Z2VoZWlt", await _kubectl.RunAsync("get secret login -n team -o jsonpath={.data.password}"));
        Assert.Equal("8080", await _kubectl.RunAsync("get service web -n team -o jsonpath={.spec.ports[0].targetPort}"));
        Assert.Equal("3", await _kubectl.RunAsync("get quota limits -n team -o jsonpath={.spec.hard.pods}"));
        Assert.Equal("1", await _kubectl.RunAsync("get pdb pdb -n team -o jsonpath={.spec.minAvailable}"));
    }

    [KubectlFact]
    public async Task Apply_CreatesThenLeavesAloneThenChangesThenRemoves()
    {
        const string manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, labels: {a: x}}\ndata: {keep: k, change: old, drop: d}\n";
        Assert.Contains("created", await _kubectl.RunAsync("apply -f -", manifest), StringComparison.Ordinal);
        string version = await _kubectl.RunAsync("get cm settings -o jsonpath={.metadata.resourceVersion}");
        Assert.Contains("unchanged", await _kubectl.RunAsync("apply -f -", manifest), StringComparison.Ordinal);
        Assert.Equal(version, await _kubectl.RunAsync("get cm settings -o jsonpath={.metadata.resourceVersion}"));
        await _kubectl.RunAsync("patch cm settings --type=merge -p '{\"data\":{\"foreign\":\"f\"}}'");
        Assert.Contains("configured", await _kubectl.RunAsync("apply -f -", manifest.Replace(", drop: d", "", StringComparison.Ordinal).Replace("old", "new", StringComparison.Ordinal)),
            StringComparison.Ordinal);
        Assert.Equal("""{"change":"new","foreign":"f","keep":"k"}""", await _kubectl.RunAsync("get cm settings -o jsonpath={.data}"));
    }

    [KubectlFact]
    public async Task Apply_OfPodsAndServices_UsesStrategicMerge()
    {
        Assert.Contains("created", await _kubectl.RunAsync("apply -f -", Pod), StringComparison.Ordinal);
        Assert.Contains("unchanged", await _kubectl.RunAsync("apply -f -", Pod), StringComparison.Ordinal);
        Assert.Contains("configured", await _kubectl.RunAsync("apply -f -", Pod.Replace("web:1", "web:2", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal("registry/web:2", await _kubectl.RunAsync("get pod web -o jsonpath={.spec.containers[0].image}"));
        const string service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, name: a}, {port: 81, name: b}]}\n";
        await _kubectl.RunAsync("apply -f -", service);
        string ip = await _kubectl.RunAsync("get svc web -o jsonpath={.spec.clusterIP}");
        Assert.StartsWith("10.96.", ip, StringComparison.Ordinal);
        await _kubectl.RunAsync("apply -f -", service.Replace(", {port: 81, name: b}", "", StringComparison.Ordinal));
        Assert.Equal("80", await _kubectl.RunAsync("get svc web -o jsonpath={.spec.ports[*].port}"));
        Assert.Equal(ip, await _kubectl.RunAsync("get svc web -o jsonpath={.spec.clusterIP}"));
    }

    [KubectlFact]
    public async Task UnknownField_IsRefusedByName()
    {
        string error = await _kubectl.FailAsync("apply -f -", Pod.Replace("spec:", "spec:\n  hostnme: x", StringComparison.Ordinal));
        Assert.Contains("strict decoding error: unknown field \"spec.hostnme\"", error, StringComparison.Ordinal);
        error = await _kubectl.FailAsync("apply -f -", Pod.Replace("80}", "70000}", StringComparison.Ordinal));
        Assert.Contains("spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535", error, StringComparison.Ordinal);
    }

    [KubectlFact]
    public async Task Get_ShowsTablesAndOtherForms()
    {
        await _kubectl.RunAsync("create -f -", Pod);
        string table = await _kubectl.RunAsync("get pods");
        Assert.Matches("^NAME +READY +STATUS +RESTARTS +AGE\nweb +0/1 +Pending +0 +[0-9]+s\n$", table);
        Assert.Matches("NOMINATED NODE +READINESS GATES", await _kubectl.RunAsync("get pods -o wide"));
        Assert.Equal("pod/web\n", await _kubectl.RunAsync("get pods -o name"));
        Assert.Contains("image: registry/web:1", await _kubectl.RunAsync("get pod web -o yaml"), StringComparison.Ordinal);
        Assert.Contains("\"kind\": \"Pod\"", await _kubectl.RunAsync("get pod web -o json"), StringComparison.Ordinal);
        Assert.Contains("default", await _kubectl.RunAsync("get pods -A"), StringComparison.Ordinal);
        Assert.Contains("web", await _kubectl.RunAsync("get pods -l app=web --field-selector status.phase=Pending"), StringComparison.Ordinal);
        Assert.DoesNotContain("web", (await _kubectl.TryAsync("get pods -l app!=web")).Output, StringComparison.Ordinal);
        Assert.Contains("web", await _kubectl.RunAsync("get pods --sort-by=.metadata.name --show-labels"), StringComparison.Ordinal);
        Assert.Contains("pod/web", await _kubectl.RunAsync("get all"), StringComparison.Ordinal);
        Assert.Contains("Containers:", await _kubectl.RunAsync("describe pod web"), StringComparison.Ordinal);
        Assert.Contains("(NotFound)", await _kubectl.FailAsync("get pod nobody"), StringComparison.Ordinal);
        Assert.Equal("", await _kubectl.RunAsync("get pod nobody --ignore-not-found"));
    }

    [KubectlFact]
    public async Task Watch_ShowsWhatHappens()
    {
        await _kubectl.RunAsync("create -f -", Pod);
        using Process watch = _kubectl.Start("get pods -w -o name");
        try
        {
            Assert.Equal("pod/web", await watch.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)));
            await _kubectl.RunAsync("create -f -", Pod.Replace("name: web", "name: second", StringComparison.Ordinal));
            Assert.Equal("pod/second", await watch.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)));
        }
        finally
        {
            watch.Kill();
        }
    }

    [KubectlFact]
    public async Task Patches_OfAllKinds_AndReplaceEditLabelAnnotate()
    {
        await _kubectl.RunAsync("create -f -", Pod);
        await _kubectl.RunAsync("patch pod web -p '{\"spec\":{\"containers\":[{\"name\":\"main\",\"image\":\"registry/web:3\"}]}}'");
        await _kubectl.RunAsync("patch pod web --type=json -p '[{\"op\":\"add\",\"path\":\"/metadata/labels/tier\",\"value\":\"front\"}]'");
        await _kubectl.RunAsync("patch pod web --type=merge -p '{\"metadata\":{\"annotations\":{\"note\":\"n\"}}}'");
        await _kubectl.RunAsync("patch pod web --subresource=status --type=merge -p '{\"status\":{\"phase\":\"Running\"}}'");
        await _kubectl.RunAsync("label pod web extra=yes app=other --overwrite");
        await _kubectl.RunAsync("label pod web tier-");
        await _kubectl.RunAsync("annotate pod web other=o");
        Assert.Equal("registry/web:3 Running other yes n o", await _kubectl.RunAsync(
            "get pod web -o 'jsonpath={.spec.containers[0].image} {.status.phase} {.metadata.labels.app} {.metadata.labels.extra} {.metadata.annotations.note} {.metadata.annotations.other}'"));
        Assert.Equal("", await _kubectl.RunAsync("get pod web -o jsonpath={.metadata.labels.tier}"));
        await _kubectl.RunAsync("create configmap c --from-literal=a=1");
        string yaml = await _kubectl.RunAsync("get cm c -o yaml");
        await _kubectl.RunAsync("replace -f -", yaml.Replace("a: \"1\"", "a: \"2\"", StringComparison.Ordinal));
        Assert.Equal("2", await _kubectl.RunAsync("get cm c -o jsonpath={.data.a}"));
        Assert.Contains("Conflict", await _kubectl.FailAsync("replace -f -", yaml), StringComparison.Ordinal);
    }

    [KubectlFact]
    public async Task Edit_WithAnEditorThatWrites_Patches()
    {
        await _kubectl.RunAsync("create configmap c --from-literal=a=1");
        string editor = Path.Combine(_server.Directory, "editor.sh");
        await File.WriteAllTextAsync(editor, "#!/bin/sh\nsed -i 's/a: \"1\"/a: \"edited\"/' \"$1\"\n");
        File.SetUnixFileMode(editor, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("KUBE_EDITOR", editor);
        Assert.Contains("edited", await _kubectl.RunAsync("edit configmap c"), StringComparison.Ordinal);
        Assert.Equal("edited", await _kubectl.RunAsync("get cm c -o jsonpath={.data.a}"));
    }

    [KubectlFact]
    public async Task Delete_WaitsAndTakesSelectorsAndCascades()
    {
        foreach (string name in (string[])["a", "b", "c"]) await _kubectl.RunAsync($"create configmap {name} --from-literal=x=1");
        await _kubectl.RunAsync("label cm a b group=one");
        Assert.Contains("\"a\" deleted", await _kubectl.RunAsync("delete cm -l group=one"), StringComparison.Ordinal);
        await _kubectl.RunAsync("delete cm c --cascade=foreground --timeout=10s");
        await _kubectl.RunAsync("create configmap d");
        await _kubectl.RunAsync("delete cm d --cascade=orphan --timeout=10s");
        await _kubectl.RunAsync("create configmap e");
        await _kubectl.RunAsync("delete cm --all --timeout=10s");
        await _kubectl.RunAsync("create -f -", Pod);
        await _kubectl.RunAsync("delete pod web --grace-period=0 --force");
        Assert.Contains("(NotFound)", await _kubectl.FailAsync("get pod web"), StringComparison.Ordinal);
    }

    [KubectlFact]
    public async Task Namespace_DeletedWithItsContent_IsGone()
    {
        await _kubectl.RunAsync("create namespace doomed");
        await _kubectl.RunAsync("create configmap x -n doomed");
        await _kubectl.RunAsync("create -n doomed -f -", Pod);
        await _kubectl.RunAsync("delete namespace doomed --timeout=20s");
        Assert.Contains("(NotFound)", await _kubectl.FailAsync("get namespace doomed"), StringComparison.Ordinal);
        Assert.Equal("", await _kubectl.RunAsync("get cm,pods -n doomed -o name"));
        Assert.Contains("may not be deleted", await _kubectl.FailAsync("delete namespace default"), StringComparison.Ordinal);
    }

    [KubectlFact]
    public async Task Wait_ForConditionsFieldsAndDeletion()
    {
        await _kubectl.RunAsync("create -f -", Pod);
        Task<string> ready = _kubectl.RunAsync("wait pod/web --for=condition=Ready --timeout=20s");
        await _kubectl.RunAsync("patch pod web --subresource=status --type=merge -p '{\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}'");
        Assert.Contains("condition met", await ready, StringComparison.Ordinal);
        Assert.Contains("condition met", await _kubectl.RunAsync("wait pod/web '--for=jsonpath={.status.phase}=Running' --timeout=10s"), StringComparison.Ordinal);
        Task<string> gone = _kubectl.RunAsync("wait pod/web --for=delete --timeout=20s");
        await _kubectl.RunAsync("delete pod web --wait=false");
        await gone;
    }

    [KubectlFact]
    public async Task Discovery_ExplainAndQuestionsAboutOneself()
    {
        string resources = await _kubectl.RunAsync("api-resources");
        Assert.Matches("pods +po +v1 +true +Pod", resources);
        Assert.Contains("apiextensions.k8s.io/v1", await _kubectl.RunAsync("api-versions"), StringComparison.Ordinal);
        Assert.Contains("containerPort\t<integer> -required-", await _kubectl.RunAsync("explain pod.spec.containers.ports"), StringComparison.Ordinal);
        Assert.Contains("hostNetwork", await _kubectl.RunAsync("explain pod --recursive"), StringComparison.Ordinal);
        Assert.Equal("yes\n", await _kubectl.RunAsync("auth can-i delete nodes"));
        Assert.Contains("kubernetes-admin", await _kubectl.RunAsync("auth whoami"), StringComparison.Ordinal);
        Assert.Contains("Server Version: v1.32", await _kubectl.RunAsync("version"), StringComparison.Ordinal);
        Assert.Contains("ok", await _kubectl.RunAsync("get --raw /readyz"), StringComparison.Ordinal);
    }

    [KubectlFact]
    public async Task Events_AreListed()
    {
        await _kubectl.RunAsync("create -f -", """
            {"apiVersion":"v1","kind":"Event","metadata":{"name":"web.1","namespace":"default"},"type":"Warning","reason":"Failed","message":"it did not work",
             "involvedObject":{"kind":"Pod","name":"web","namespace":"default"},"lastTimestamp":"2026-01-01T00:00:00Z","count":3}
            """);
        Assert.Matches("Warning +Failed +pod/web +it did not work", await _kubectl.RunAsync("get events"));
        Assert.Matches("Warning +Failed +Pod/web +it did not work", await _kubectl.RunAsync("events"));
        Assert.Matches("pod/web", await _kubectl.RunAsync("get events.events.k8s.io"));
    }

    [KubectlFact]
    public async Task CustomResources_AsTheirDefinitionSays()
    {
        await _kubectl.RunAsync("apply -f -", Definitions.Gadget);
        await _kubectl.RunAsync("wait crd/gadgets.example.com --for=condition=Established --timeout=10s");
        const string gadget = "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: g}\nspec: {size: 3, items: [{name: one}, {name: two}]}\n";
        Assert.Contains("created", await _kubectl.RunAsync("apply -f -", gadget), StringComparison.Ordinal);
        string version = await _kubectl.RunAsync("get gadget g -o jsonpath={.metadata.resourceVersion}");
        await _kubectl.RunAsync("apply -f -", gadget);
        Assert.Equal(version, await _kubectl.RunAsync("get gadget g -o jsonpath={.metadata.resourceVersion}"));
        Assert.Contains("configured", await _kubectl.RunAsync("apply -f -", gadget.Replace("size: 3", "size: 4", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Matches("NAME +SIZE +COLOR +READY +AGE\ng +4 +red + +[0-9]+s", await _kubectl.RunAsync("get gd"));
        Assert.Matches("SIZE +COLOR +READY +FIRST +AGE\ng +4 +red +one", await _kubectl.RunAsync("get gadgets -o wide"));
        Assert.Contains("gadget.example.com/g", await _kubectl.RunAsync("get all"), StringComparison.Ordinal);
        Assert.Contains("A gadget.", await _kubectl.RunAsync("explain gadget"), StringComparison.Ordinal);
        await _kubectl.RunAsync("scale gadget g --replicas=5");
        Assert.Equal("5", await _kubectl.RunAsync("get gadget g -o jsonpath={.spec.replicas}"));
        await _kubectl.RunAsync("scale gadget g --current-replicas=5 --replicas=2");
        Assert.Contains("not supported", await _kubectl.FailAsync("patch gadget g --type=strategic -p '{\"spec\":{\"size\":5}}'"), StringComparison.Ordinal);
        string error = await _kubectl.FailAsync("apply -f -", gadget.Replace("size: 3", "size: 300, colour: x", StringComparison.Ordinal));
        Assert.Contains("unknown field \"spec.colour\"", error, StringComparison.Ordinal);
        error = await _kubectl.FailAsync("apply -f -", gadget.Replace("size: 3", "size: 300, color: blue", StringComparison.Ordinal));
        Assert.Contains("spec.size", error, StringComparison.Ordinal);
        Assert.Contains("supported values: \"red\", \"green\"", error, StringComparison.Ordinal);
        await _kubectl.RunAsync("delete crd gadgets.example.com --timeout=10s");
        await _kubectl.FailAsync("get gadgets");
    }
}
