using System.Globalization;

namespace Streaming.Database.Embedded;

/// <summary>
/// The right of one live service to a data directory: a file held open with an exclusive lock, which the operating
/// system releases with the process, however that ends.
/// </summary>
sealed class DataLock : IDisposable
{
    readonly FileStream _file;

    DataLock(FileStream file) => _file = file;

    /// <exception cref="EmbeddedPostgresException">Another service holds it.</exception>
    public static DataLock Take(string path)
    {
        try
        {
            var dataLock = new DataLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None));
            File.WriteAllText(HolderFile(path), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return dataLock;
        }
        catch (IOException e)
        {
            throw new EmbeddedPostgresException(
                EmbeddedPostgresException.InUse,
                $"""
                Another service (process {Holder(path)}) works on the data directory
                "{Path.GetDirectoryName(path)}": {e.Message}
                Stop that one, give this one another Streaming:DataDirectory, or let both use one PostgreSQL by setting
                ConnectionStrings:Streaming.
                """, e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new EmbeddedPostgresException(
                EmbeddedPostgresException.Unreachable,
                $"This user cannot write \"{path}\": {e.Message} Set Streaming:DataDirectory to another folder.", e);
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Beside the lock, because .NET locks a file even to read it.</summary>
    static string HolderFile(string path) => path + ".holder";

    static string Holder(string path) => File.Exists(HolderFile(path)) ? File.ReadAllText(HolderFile(path)) : "unknown";
}
