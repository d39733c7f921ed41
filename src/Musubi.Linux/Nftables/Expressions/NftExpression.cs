using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables.Expressions;

/// <summary>One step of a rule: loads a value into a register, tests one, or acts on the packet.</summary>
public abstract record NftExpression
{
    /// <summary>The kernel's name of it.</summary>
    public abstract string Name { get; }

    /// <summary>Writes the expression's own attributes.</summary>
    internal abstract void WriteData(ref MessageWriter writer);

    internal void Write(ref MessageWriter writer)
    {
        int element = writer.BeginNest(Nft.NFTA_LIST_ELEM);
        writer.Text(Nft.NFTA_EXPR_NAME, Name);
        int data = writer.BeginNest(Nft.NFTA_EXPR_DATA);
        WriteData(ref writer);
        writer.EndNest(data);
        writer.EndNest(element);
    }

    /// <summary>A value within an attribute of its own (struct nft_data).</summary>
    private protected static void WriteValue(ref MessageWriter writer, ushort type, NftValue value)
    {
        int data = writer.BeginNest(type);
        writer.Bytes(Nft.NFTA_DATA_VALUE, value.Bytes);
        writer.EndNest(data);
    }

    private protected static NftValue ReadValue(Netlink.Attribute attribute)
    {
        AttributeReader attributes = attribute.Nested;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type == Nft.NFTA_DATA_VALUE)
            {
                return NftValue.Of(value.Bytes);
            }
        }

        return default;
    }
}

/// <summary>An expression that puts a value into a register.</summary>
public abstract record NftLoad : NftExpression
{
    /// <summary>Where the value goes.</summary>
    public NftRegister Register { get; init; }
}

/// <summary>An expression this library has no type for, with its attributes as they are.</summary>
public sealed record NftOther : NftExpression
{
    internal NftOther(string name, NftValue data)
    {
        Name = name;
        Data = data;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>The attributes, not interpreted.</summary>
    public NftValue Data { get; }

    internal override void WriteData(ref MessageWriter writer) => writer.Raw(Data.Bytes);
}
