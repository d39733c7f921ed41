using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Ipam;

/// <summary>The index is a hint: whatever happens to it or behind its back, the files of reservations decide.</summary>
public sealed class HostLocalIndexTests
{
    private const string Small = "\"subnet\":\"10.0.0.0/28\""; // .1 is the gateway, .2 to .14 are given out
    private const int Capacity = 13;

    private enum What
    {
        Add,
        Del,
        StrangerTakes,
        StrangerFrees,
        IndexIsCut,
        IndexIsGarbage,
        IndexIsRemoved,
    }

    /// <summary>Any order of our calls, of other programs' changes and of damage to the index.</summary>
    [Fact]
    public void Addresses_WhateverHappens_AreGivenOutOnceAndAllOfThem()
    {
        Gen<(What, int)[]> histories = Gen.Zip(Gen.Elements(Enum.GetValues<What>()), Gen.Choose(0, 19)).ArrayOf(60);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(100), Prop.ForAll(histories.ToArbitrary(), history =>
        {
            using HostLocalBench bench = new();
            string config = bench.Config(Small);
            bench.Add(config, "first");
            foreach ((What what, int who) in history)
            {
                Step(bench, config, what, who);
            }
        }));
    }

    private static void Step(HostLocalBench bench, string config, What what, int who)
    {
        string index = Path.Combine(bench.Directory, ".index");
        IReadOnlyList<string> before = bench.Reserved();
        string id = $"c{who}";
        string? held = before.FirstOrDefault(a => bench.Read(a) == $"{id}\r\neth0");
        switch (what)
        {
            case What.Add when held is not null:
                Assert.Contains("duplicate allocation", bench.Refused(config, id).Message, StringComparison.Ordinal);
                break;
            case What.Add when before.Count == Capacity:
                Assert.Contains("no IP addresses available", bench.Refused(config, id).Message, StringComparison.Ordinal);
                break;
            case What.Add:
                string given = bench.Allocate(config, id).Split('/')[0];
                Assert.DoesNotContain(given, before);
                Assert.Equal($"{id}\r\neth0", bench.Read(given));
                break;
            case What.Del:
                bench.Del(config, id);
                Assert.Equal(before.Where(a => a != held), bench.Reserved());
                break;
            case What.StrangerTakes:
                string wanted = $"10.0.0.{2 + (who % Capacity)}";
                if (!before.Contains(wanted))
                {
                    bench.Write(wanted, $"c{who}\r\nnet{who}");
                }

                break;
            case What.StrangerFrees when before.Count > 0:
                File.Delete(Path.Combine(bench.Directory, before[who % before.Count]));
                break;
            case What.IndexIsCut when File.Exists(index):
                File.WriteAllBytes(index, [.. File.ReadAllBytes(index).Take(who * 7)]);
                break;
            case What.IndexIsGarbage:
                File.WriteAllBytes(index, RandomNumberGenerator.GetBytes(who * 100));
                break;
            case What.IndexIsRemoved:
                File.Delete(index);
                break;
        }
    }

    [Fact]
    public void Index_DamagedInPlace_StillGivesEveryFreeAddressOut()
    {
        using HostLocalBench bench = new();
        string config = bench.Config(Small);
        bench.Add(config, "c0");
        string index = Path.Combine(bench.Directory, ".index");
        using (FileStream file = File.OpenWrite(index))
        {
            // Behind the header, which alone says whether it is current: every address seems taken.
            file.Position = 48;
            file.Write([.. Enumerable.Repeat((byte)0xff, (int)file.Length - 48)]);
        }

        for (int i = 1; i < Capacity; i++)
        {
            bench.Add(config, $"c{i}");
        }

        Assert.Equal(Capacity, bench.Reserved().Count);
    }

    [Fact]
    public void Reservations_MoreThanTheFirstIndexHolds_AreAllFoundAgain()
    {
        using HostLocalBench bench = new();
        string config = bench.Config("\"ranges\":[[{\"subnet\":\"10.1.0.0/16\"}],[{\"subnet\":\"fd00::/64\"}]]");
        for (int i = 0; i < 300; i++)
        {
            Assert.Equal(2, bench.Add(config, $"c{i}").Addresses.Count);
        }

        Assert.Contains("duplicate allocation", bench.Refused(config, "c7").Message, StringComparison.Ordinal);
        for (int i = 0; i < 300; i++)
        {
            bench.Check(config, $"c{i}");
            bench.Del(config, $"c{i}");
        }

        Assert.Empty(bench.Reserved());
    }

    /// <summary>The distribution's plugin and ours take turns on one directory.</summary>
    [Fact]
    public void ReferencePlugin_InBetween_NeitherGivesOutTheOthersAddresses()
    {
        using HostLocalBench bench = new();
        string config = bench.Config(Small, version: "1.0.0");
        List<string> given = [];
        for (int i = 0; i < 6; i++)
        {
            given.Add(bench.Allocate(config, $"ours{i}").Split('/')[0]);
            given.Add(Reference.HostLocal("ADD", $"theirs{i}", config).Split('/')[0]);
        }

        Assert.Equal(12, given.Distinct().Count());
        Reference.HostLocal("DEL", "ours3", config);
        bench.Del(config, "theirs3");
        Assert.Equal(10, bench.Reserved().Count);
    }

    [Fact]
    public void FullDisk_AddFails_AndLeavesNoHalfWrittenReservation()
    {
        using HostLocalBench bench = new();
        using SmallDisk disk = new(Path.GetDirectoryName(bench.Directory)!, kibibytes: 64);
        string config = bench.Config("\"subnet\":\"10.1.0.0/16\"");
        int added = 0;
        CniException? failure = null;
        while (failure is null && added < 1000)
        {
            try
            {
                bench.Add(config, $"c{added}");
                added++;
            }
            catch (CniException e)
            {
                failure = e;
            }
        }

        Assert.Contains("ENOSPC", failure?.Message, StringComparison.Ordinal);
        Assert.Equal(added, bench.Reserved().Count);
        Assert.All(bench.Reserved(), a => Assert.NotEmpty(bench.Read(a)));
        bench.Del(config, "c0");
        bench.Add(config, "after");
    }

    [Fact]
    public void ReadOnlyDataDirectory_AddFailsNamingIt()
    {
        using HostLocalBench bench = new();
        using SmallDisk disk = new(Path.GetDirectoryName(bench.Directory)!, kibibytes: 64, readOnly: true);

        CniException failure = bench.Refused(bench.Config(Small));

        Assert.Contains(Path.GetDirectoryName(bench.Directory)!, failure.Message, StringComparison.Ordinal);
        Assert.Equal(CniErrorCode.IoFailure, failure.Code);
    }
}
