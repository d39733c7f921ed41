using System.Runtime.InteropServices;

namespace Musubi.Linux.Nftables;

/// <summary>
/// Message types, attributes and values of nf_tables; linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h. Names and values are the kernel's.
/// </summary>
internal static class Nft
{
    internal const ushort NFNL_SUBSYS_NFTABLES = 10;
    internal const ushort NFNL_MSG_BATCH_BEGIN = 0x10;
    internal const ushort NFNL_MSG_BATCH_END = 0x11;
    internal const ushort NFNL_BATCH_GENID = 1;

    internal const ushort NFT_MSG_NEWTABLE = 0;
    internal const ushort NFT_MSG_GETTABLE = 1;
    internal const ushort NFT_MSG_DELTABLE = 2;
    internal const ushort NFT_MSG_NEWCHAIN = 3;
    internal const ushort NFT_MSG_GETCHAIN = 4;
    internal const ushort NFT_MSG_DELCHAIN = 5;
    internal const ushort NFT_MSG_NEWRULE = 6;
    internal const ushort NFT_MSG_GETRULE = 7;
    internal const ushort NFT_MSG_DELRULE = 8;
    internal const ushort NFT_MSG_NEWSET = 9;
    internal const ushort NFT_MSG_GETSET = 10;
    internal const ushort NFT_MSG_DELSET = 11;
    internal const ushort NFT_MSG_NEWSETELEM = 12;
    internal const ushort NFT_MSG_GETSETELEM = 13;
    internal const ushort NFT_MSG_DELSETELEM = 14;
    internal const ushort NFT_MSG_NEWGEN = 15;
    internal const ushort NFT_MSG_GETGEN = 16;

    internal const ushort NFTA_LIST_ELEM = 1;

    internal const ushort NFTA_TABLE_NAME = 1;
    internal const ushort NFTA_TABLE_FLAGS = 2;
    internal const ushort NFTA_TABLE_HANDLE = 4;
    internal const ushort NFTA_TABLE_USERDATA = 6;

    internal const ushort NFTA_CHAIN_TABLE = 1;
    internal const ushort NFTA_CHAIN_HANDLE = 2;
    internal const ushort NFTA_CHAIN_NAME = 3;
    internal const ushort NFTA_CHAIN_HOOK = 4;
    internal const ushort NFTA_CHAIN_POLICY = 5;
    internal const ushort NFTA_CHAIN_TYPE = 7;
    internal const ushort NFTA_CHAIN_USERDATA = 12;
    internal const ushort NFTA_HOOK_HOOKNUM = 1;
    internal const ushort NFTA_HOOK_PRIORITY = 2;
    internal const ushort NFTA_HOOK_DEV = 3;

    internal const ushort NFTA_RULE_TABLE = 1;
    internal const ushort NFTA_RULE_CHAIN = 2;
    internal const ushort NFTA_RULE_HANDLE = 3;
    internal const ushort NFTA_RULE_EXPRESSIONS = 4;
    internal const ushort NFTA_RULE_POSITION = 6;
    internal const ushort NFTA_RULE_USERDATA = 7;

    internal const uint NFT_SET_ANONYMOUS = 0x1;
    internal const uint NFT_SET_CONSTANT = 0x2;
    internal const uint NFT_SET_INTERVAL = 0x4;
    internal const uint NFT_SET_MAP = 0x8;
    internal const uint NFT_SET_TIMEOUT = 0x10;
    internal const uint NFT_SET_CONCAT = 0x80;
    internal const ushort NFTA_SET_TABLE = 1;
    internal const ushort NFTA_SET_NAME = 2;
    internal const ushort NFTA_SET_FLAGS = 3;
    internal const ushort NFTA_SET_KEY_TYPE = 4;
    internal const ushort NFTA_SET_KEY_LEN = 5;
    internal const ushort NFTA_SET_DATA_TYPE = 6;
    internal const ushort NFTA_SET_DATA_LEN = 7;
    internal const ushort NFTA_SET_DESC = 9;
    internal const ushort NFTA_SET_ID = 10;
    internal const ushort NFTA_SET_TIMEOUT = 11;
    internal const ushort NFTA_SET_USERDATA = 13;
    internal const ushort NFTA_SET_HANDLE = 16;
    internal const ushort NFTA_SET_DESC_SIZE = 1;
    internal const ushort NFTA_SET_DESC_CONCAT = 2;
    internal const ushort NFTA_SET_FIELD_LEN = 1;

    internal const uint NFT_SET_ELEM_INTERVAL_END = 1;
    internal const ushort NFTA_SET_ELEM_KEY = 1;
    internal const ushort NFTA_SET_ELEM_DATA = 2;
    internal const ushort NFTA_SET_ELEM_FLAGS = 3;
    internal const ushort NFTA_SET_ELEM_TIMEOUT = 4;
    internal const ushort NFTA_SET_ELEM_EXPIRATION = 5;
    internal const ushort NFTA_SET_ELEM_USERDATA = 6;
    internal const ushort NFTA_SET_ELEM_KEY_END = 10;
    internal const ushort NFTA_SET_ELEM_LIST_TABLE = 1;
    internal const ushort NFTA_SET_ELEM_LIST_SET = 2;
    internal const ushort NFTA_SET_ELEM_LIST_ELEMENTS = 3;
    internal const ushort NFTA_SET_ELEM_LIST_SET_ID = 4;

    internal const uint NFT_DATA_VERDICT = 0xffffff00;
    internal const ushort NFTA_DATA_VALUE = 1;
    internal const ushort NFTA_DATA_VERDICT = 2;
    internal const ushort NFTA_VERDICT_CODE = 1;
    internal const ushort NFTA_VERDICT_CHAIN = 2;

    internal const ushort NFTA_EXPR_NAME = 1;
    internal const ushort NFTA_EXPR_DATA = 2;

    internal const ushort NFTA_GEN_ID = 1;

    /// <summary>The longest text that nft(8) takes as a comment, without its NUL.</summary>
    internal const int LongestComment = 127;

    /// <summary>NFT_USERDATA_MAXLEN</summary>
    internal const int LongestUserData = 256;

    internal static string NameOf(ushort type) => type switch
    {
        NFNL_MSG_BATCH_BEGIN => nameof(NFNL_MSG_BATCH_BEGIN),
        NFNL_MSG_BATCH_END => nameof(NFNL_MSG_BATCH_END),
        _ => (type & 0xff) switch
        {
            NFT_MSG_NEWTABLE => nameof(NFT_MSG_NEWTABLE),
            NFT_MSG_GETTABLE => nameof(NFT_MSG_GETTABLE),
            NFT_MSG_DELTABLE => nameof(NFT_MSG_DELTABLE),
            NFT_MSG_NEWCHAIN => nameof(NFT_MSG_NEWCHAIN),
            NFT_MSG_GETCHAIN => nameof(NFT_MSG_GETCHAIN),
            NFT_MSG_DELCHAIN => nameof(NFT_MSG_DELCHAIN),
            NFT_MSG_NEWRULE => nameof(NFT_MSG_NEWRULE),
            NFT_MSG_GETRULE => nameof(NFT_MSG_GETRULE),
            NFT_MSG_DELRULE => nameof(NFT_MSG_DELRULE),
            NFT_MSG_NEWSET => nameof(NFT_MSG_NEWSET),
            NFT_MSG_GETSET => nameof(NFT_MSG_GETSET),
            NFT_MSG_DELSET => nameof(NFT_MSG_DELSET),
            NFT_MSG_NEWSETELEM => nameof(NFT_MSG_NEWSETELEM),
            NFT_MSG_GETSETELEM => nameof(NFT_MSG_GETSETELEM),
            NFT_MSG_DELSETELEM => nameof(NFT_MSG_DELSETELEM),
            NFT_MSG_GETGEN => nameof(NFT_MSG_GETGEN),
            _ => $"nf_tables message type {type & 0xff}",
        },
    };

    /// <summary>struct nfgenmsg</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        internal byte Family;
        internal byte Version;
        internal ushort ResourceBigEndian;
    }
}
