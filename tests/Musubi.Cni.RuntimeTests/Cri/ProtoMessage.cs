using System.Text;

namespace Musubi.Cni.RuntimeTests.Cri;

/// <summary>A protobuf message as its fields on the wire: as much of the encoding as the runtime interface's messages take.</summary>
internal sealed class ProtoMessage
{
    private readonly List<(int Field, object Value)> _fields = [];

    public static ProtoMessage Parse(ReadOnlySpan<byte> bytes)
    {
        ProtoMessage message = new();
        for (int i = 0; i < bytes.Length;)
        {
            ulong key = Varint(bytes, ref i);
            switch (key & 7)
            {
                case 0:
                    message._fields.Add(((int)(key >> 3), Varint(bytes, ref i)));
                    break;
                case 2:
                    int length = (int)Varint(bytes, ref i);
                    message._fields.Add(((int)(key >> 3), bytes.Slice(i, length).ToArray()));
                    i += length;
                    break;
                default:
                    throw new FormatException($"wire type {key & 7}");
            }
        }

        return message;
    }

    public ProtoMessage Add(int field, string text) => Add(field, Encoding.UTF8.GetBytes(text));

    public ProtoMessage Add(int field, params string[] texts)
    {
        foreach (string text in texts)
        {
            Add(field, text);
        }

        return this;
    }

    public ProtoMessage Add(int field, ProtoMessage message) => Add(field, message.Write());

    public ProtoMessage Add(int field, ulong number)
    {
        _fields.Add((field, number));
        return this;
    }

    public string Text(int field) => _fields.LastOrDefault(f => f.Field == field).Value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : "";

    public ulong Number(int field) => _fields.LastOrDefault(f => f.Field == field).Value is ulong number ? number : 0;

    public IEnumerable<ProtoMessage> Messages(int field) => _fields.Where(f => f.Field == field).Select(f => Parse((byte[])f.Value));

    public ProtoMessage Message(int field) => Messages(field).LastOrDefault() ?? new ProtoMessage();

    public byte[] Write()
    {
        using MemoryStream stream = new();
        foreach ((int field, object value) in _fields)
        {
            if (value is byte[] bytes)
            {
                WriteVarint(stream, ((ulong)field << 3) | 2);
                WriteVarint(stream, (ulong)bytes.Length);
                stream.Write(bytes);
            }
            else
            {
                WriteVarint(stream, (ulong)field << 3);
                WriteVarint(stream, (ulong)value);
            }
        }

        return stream.ToArray();
    }

    private ProtoMessage Add(int field, byte[] bytes)
    {
        _fields.Add((field, bytes));
        return this;
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int i)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = bytes[i++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }
    }

    private static void WriteVarint(MemoryStream stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            stream.WriteByte((byte)(value | 0x80));
        }

        stream.WriteByte((byte)value);
    }
}
