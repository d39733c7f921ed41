namespace Musubi.ApiServer.Kinds;

/// <summary>What all custom kinds have in common.</summary>
internal sealed class CustomRules : KindRules
{
    public static CustomRules Instance { get; } = new();

    public override bool UpdateNeedsVersion => true;

    public override bool HasGeneration => true;

    public override bool StatusKeepsMetadata => true;
}
