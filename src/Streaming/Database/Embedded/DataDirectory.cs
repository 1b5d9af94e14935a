namespace Streaming.Database.Embedded;

/// <summary>Where the service keeps its database and files when no option says otherwise.</summary>
public static class DataDirectory
{
    /// <summary>
    /// For root <c>/var/lib/streaming</c>, because PostgreSQL then runs as another user, who cannot enter root's home;
    /// for anyone else <c>streaming</c> in the user's folder for application data. Nothing is created.
    /// </summary>
    public static string Default()
    {
        if (!OperatingSystem.IsWindows() && Environment.IsPrivilegedProcess)
            return "/var/lib/streaming";

        // Without DoNotVerify a folder that does not exist yet, as in a new account, comes back as "".
        var applicationData = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.IsPathRooted(applicationData)
            ? Path.Combine(applicationData, "streaming")
            : throw new EmbeddedPostgresException(
                EmbeddedPostgresException.Unreachable,
                "This user has no home, so there is no default data directory. Set Streaming:DataDirectory.");
    }
}
