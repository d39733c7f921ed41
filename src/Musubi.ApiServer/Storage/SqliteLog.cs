using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Musubi.ApiServer.Storage;

/// <summary>One line of the log: the state of an object from a version on; no content means that it was deleted.</summary>
internal readonly record struct LogEntry(long Version, string Bucket, string Key, byte[]? Json);

/// <summary>The store failed to do what was asked; what was being written is not there.</summary>
internal sealed class StorageException(string message) : IOException(message);

/// <summary>
/// The log on disk: one SQLite file, one transaction per batch, on disk before <see cref="Commit"/> returns. The file is locked for as
/// long as the log is open, so that two servers never write one state. Used by one thread at a time.
/// </summary>
internal sealed class SqliteLog : IDisposable
{
    private const int FormatVersion = 1;
    private static readonly Lazy<bool> s_library = new(UseSystemLibrary);

    private readonly string _path;
    private readonly sqlite3 _db;
    private readonly sqlite3_stmt _append;
    private readonly sqlite3_stmt _delete;
    private readonly sqlite3_stmt _setForgotten;

    public SqliteLog(string path)
    {
        _ = s_library.Value;
        _path = path;
        CreatePrivate(path);
        Check(raw.sqlite3_open_v2(path, out _db, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE | raw.SQLITE_OPEN_NOMUTEX, null), "open");
        try
        {
            Execute("PRAGMA locking_mode=EXCLUSIVE");
            Execute("PRAGMA journal_mode=WAL");
            Execute("PRAGMA synchronous=FULL");
            Execute("PRAGMA cache_size=-4096");
            Execute("BEGIN EXCLUSIVE");
            long format = Scalar("PRAGMA user_version");
            if (format > FormatVersion)
                throw new StorageException($"{path}: written by a newer version (format {format}, this one knows {FormatVersion})");
            Execute("CREATE TABLE IF NOT EXISTS log(version INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, json BLOB)");
            Execute("CREATE TABLE IF NOT EXISTS forgotten(version INTEGER NOT NULL)");
            Execute("INSERT INTO forgotten SELECT 0 WHERE NOT EXISTS(SELECT 1 FROM forgotten)");
            Execute($"PRAGMA user_version={FormatVersion}");
            Execute("COMMIT");
            _append = Prepare("INSERT INTO log(version,bucket,key,json) VALUES(?1,?2,?3,?4)");
            _delete = Prepare("DELETE FROM log WHERE version=?1");
            _setForgotten = Prepare("UPDATE forgotten SET version=?1");
        }
        catch
        {
            _db.Dispose();
            throw;
        }
    }

    /// <summary>Changes up to this version may be incomplete in the log: only the newest state of each object counts.</summary>
    public long ForgottenVersion => Scalar("SELECT version FROM forgotten");

    /// <summary>Everything in the log, oldest first.</summary>
    public IEnumerable<LogEntry> Read()
    {
        using sqlite3_stmt select = Prepare("SELECT version,bucket,key,json FROM log ORDER BY version");
        for (int code = raw.sqlite3_step(select); code != raw.SQLITE_DONE; code = raw.sqlite3_step(select))
        {
            Check(code, "read");
            byte[]? json = raw.sqlite3_column_type(select, 3) == raw.SQLITE_NULL ? null : raw.sqlite3_column_blob(select, 3).ToArray();
            yield return new LogEntry(raw.sqlite3_column_int64(select, 0), raw.sqlite3_column_text(select, 1).utf8_to_string(),
                raw.sqlite3_column_text(select, 2).utf8_to_string(), json);
        }
    }

    public void Begin() => Execute("BEGIN IMMEDIATE");

    public void Append(in LogEntry entry)
    {
        Check(raw.sqlite3_bind_int64(_append, 1, entry.Version), "bind");
        Check(raw.sqlite3_bind_text(_append, 2, entry.Bucket), "bind");
        Check(raw.sqlite3_bind_text(_append, 3, entry.Key), "bind");
        Check(entry.Json is null ? raw.sqlite3_bind_null(_append, 4) : raw.sqlite3_bind_blob(_append, 4, entry.Json), "bind");
        Run(_append);
    }

    public void Delete(long version)
    {
        Check(raw.sqlite3_bind_int64(_delete, 1, version), "bind");
        Run(_delete);
    }

    public void SetForgotten(long version)
    {
        Check(raw.sqlite3_bind_int64(_setForgotten, 1, version), "bind");
        Run(_setForgotten);
    }

    /// <summary>Returns when the transaction is durable.</summary>
    public void Commit() => Execute("COMMIT");

    public void Rollback()
    {
        // After some failures (a full disk among them) SQLite has rolled back by itself.
        if (raw.sqlite3_get_autocommit(_db) == 0) Execute("ROLLBACK");
    }

    public void Dispose()
    {
        _append.Dispose();
        _delete.Dispose();
        _setForgotten.Dispose();
        _db.Dispose();
    }

    private void Run(sqlite3_stmt statement)
    {
        int code = raw.sqlite3_step(statement);
        raw.sqlite3_reset(statement);
        Check(code, "write");
    }

    private sqlite3_stmt Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_db, sql, out sqlite3_stmt statement), "prepare");
        return statement;
    }

    private long Scalar(string sql)
    {
        using sqlite3_stmt statement = Prepare(sql);
        Check(raw.sqlite3_step(statement), "read");
        return raw.sqlite3_column_int64(statement, 0);
    }

    private void Execute(string sql) => Check(raw.sqlite3_exec(_db, sql), sql);

    private void Check(int code, string operation)
    {
        if (code is raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE) return;
        string hint = code == raw.SQLITE_BUSY ? "; another server is using this state directory" : "";
        throw new StorageException($"{_path}: {operation}: {raw.sqlite3_errmsg(_db).utf8_to_string()} (SQLite {code}){hint}");
    }

    /// <summary>Secrets are in it: the file, and what SQLite puts beside it, is for its owner only.</summary>
    private static void CreatePrivate(string path)
    {
        if (File.Exists(path)) return;
        using var _ = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
    }

    private static bool UseSystemLibrary()
    {
        // The provider asks for "e_sqlite3"; the distribution keeps its library under the name that its security updates follow.
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, static (string name, Assembly assembly, DllImportSearchPath? path) =>
            name == "e_sqlite3" ? NativeLibrary.Load("libsqlite3.so.0", assembly, path) : 0);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return true;
    }
}
