using System.Runtime.InteropServices;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables;

/// <summary>
/// A socket by which one namespace's nf_tables ruleset is changed and read. It belongs to that namespace for life and may be used from any thread.
/// This file has transactions; NftSocket.Reading.cs has what reads.
/// </summary>
/// <example>
/// <code>
/// using NftSocket nft = NftSocket.Open(pod);
/// NftTransaction tx = nft.Begin();
/// NftTable table = tx.AddTable(NftFamily.Bridge, "macspoof");
/// NftChain chain = tx.AddChain(table, "port-v3", NftHook.PreRouting, NftPriority.Raw);
/// tx.AddRule(chain, r => r.InputInterface("v3").EtherSource().IsNot(mac).Drop(), comment: containerId);
/// tx.Commit();
/// </code>
/// </example>
public sealed partial class NftSocket : IDisposable
{
    private readonly NetlinkSocket _socket;

    private NftSocket(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens a socket in a namespace, or in the calling thread's own. The caller disposes it.</summary>
    public static NftSocket Open(NetworkNamespace? network = null) => new(NetlinkSocket.Open(network, NetlinkProtocol.NETLINK_NETFILTER));

    /// <summary>Starts a transaction. Nothing reaches the kernel before it is committed.</summary>
    public NftTransaction Begin() => new(this);

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    internal NftCommit Commit(ReadOnlySpan<byte> messages, List<NftOperation> operations, int ruleCount, uint? ifGeneration)
    {
        MessageWriter writer = new(messages.Length < 4096 ? stackalloc byte[4096 + 128] : new byte[messages.Length + 128]);

        NftMessages.Batch(ref writer, Nft.NFNL_MSG_BATCH_BEGIN, flags: 0, ifGeneration);
        int offset = writer.Length;
        writer.Raw(messages);
        NftMessages.Batch(ref writer, Nft.NFNL_MSG_BATCH_END, flags: 0, generation: null);

        // The new generation is told in answer to the first change. Errors come for every message, and successes are told after the commit: that of the
        // last change says that all is done.
        MemoryMarshal.AsRef<NetlinkHeader>(writer.Written[offset..]).Flags |= NetlinkProtocol.NLM_F_ECHO;
        MemoryMarshal.AsRef<NetlinkHeader>(writer.Written[(offset + operations[^1].Start)..]).Flags |= NetlinkProtocol.NLM_F_ACK;
        lock (_socket.Gate)
        {
            _socket.Reserve(writer.Length);
            uint first = _socket.Send(writer.Written, operations[0].Subject);
            return Receive(messages, operations, ruleCount, first, ifGeneration);
        }
    }

    private NftCommit Receive(ReadOnlySpan<byte> messages, List<NftOperation> operations, int ruleCount, uint first, uint? ifGeneration)
    {
        ulong[] handles = ruleCount == 0 ? [] : new ulong[ruleCount];
        uint generation = 0;
        NetlinkException? failure = null;
        while (true)
        {
            NetlinkMessageReader reader = new(_socket.Receive(out _));
            while (reader.TryRead(out NetlinkMessage message))
            {
                // The beginning is number 0, the changes follow.
                uint number = message.Sequence - first;
                if (number > (uint)operations.Count)
                {
                    continue;
                }

                if (message.Type == NetlinkProtocol.NLMSG_ERROR)
                {
                    NetlinkAcknowledgement acknowledgement = NetlinkAcknowledgement.Read(message);
                    if (number == 0)
                    {
                        throw ifGeneration is { } expected && acknowledgement.Errno == Errno.ERESTART
                            ? new NftGenerationChangedException(expected)
                            : failure ?? acknowledgement.ToException(_socket.Protocol, Nft.NFNL_MSG_BATCH_BEGIN, "transaction");
                    }

                    int index = (int)number - 1;
                    if (!acknowledgement.IsSuccess)
                    {
                        failure ??= NftErrors.Explain(messages, operations, index, acknowledgement);
                    }

                    if (index == operations.Count - 1)
                    {
                        return failure is null ? new NftCommit(generation, handles) : throw failure;
                    }
                }
                else if (NftReader.TryReadGeneration(message, out uint id))
                {
                    generation = id;
                }
                else if (number > 0 && operations[(int)number - 1] is { Rule: >= 0 } operation && NftReader.TryReadRuleHandle(message, out ulong handle))
                {
                    handles[operation.Rule] = handle;
                }
            }
        }
    }
}
