using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Cni.Plugins.Shared;

namespace Musubi.Cni.Tests.Plugins;

public sealed class Sha512Tests
{
    [Fact]
    public void Hash_AnyMessage_IsTheFrameworks() => Prop.ForAll<byte[]>(message =>
    {
        byte[] digest = new byte[Sha512.HashBytes];
        Sha512.Hash(message, digest);
        return digest.AsSpan().SequenceEqual(SHA512.HashData(message));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Hash_EveryLengthAroundABlock_IsTheFrameworks()
    {
        for (int length = 0; length <= 300; length++)
        {
            byte[] message = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
            byte[] digest = new byte[Sha512.HashBytes];
            Sha512.Hash(message, digest);
            Assert.Equal(SHA512.HashData(message), digest);
        }
    }
}
