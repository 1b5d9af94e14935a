namespace Streaming.Database.Embedded;

/// <summary>
/// Who the server runs as: PostgreSQL refuses root, so a service run by root starts it as <c>nobody</c>; any other
/// service starts it as its own user.
/// </summary>
sealed record ServerUser(string? Name)
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public static ServerUser Current() => new(Environment.IsPrivilegedProcess ? "nobody" : null);

    /// <summary>Makes a folder that only this user (and root) can enter; an existing one is left as it is.</summary>
    public async Task CreateFolderAsync(string folder, CancellationToken cancellation)
    {
        if (Directory.Exists(folder))
            return;
        Directory.CreateDirectory(folder, Private);
        await OwnAsync(folder, cancellation);
    }

    /// <summary>Gives a file or folder to this user. A link is not followed: this user may have planted it.</summary>
    public async Task OwnAsync(string path, CancellationToken cancellation)
    {
        if (Name is null)
            return;
        var result = await new Command("chown", "-h", $"{Name}:", path).RunAsync(cancellation);
        if (!result.Succeeded)
        {
            throw new EmbeddedPostgresException(
                EmbeddedPostgresException.Unreachable,
                $"\"{path}\" cannot be given to the user {Name}, whom PostgreSQL runs as:\n{result.Output}");
        }
    }

    /// <exception cref="EmbeddedPostgresException">This user cannot enter the folder.</exception>
    public async Task EnsureCanEnterAsync(string folder, CancellationToken cancellation)
    {
        var result = await As("/bin/sh", "-c", "cd \"$1\"", "sh", folder).RunAsync(cancellation);
        if (result.Succeeded)
            return;
        var who = Name is null ? "This user" : $"PostgreSQL refuses to run as root, so it runs as {Name}, and {Name}";
        throw new EmbeddedPostgresException(
            EmbeddedPostgresException.Unreachable,
            $"""
            {who} cannot enter "{folder}":
            {result.Output}
            Cures: set Streaming:DataDirectory to a folder whose parents everyone may enter;
            or run the service as the user who owns that folder;
            or use a PostgreSQL of your own by setting ConnectionStrings:Streaming.
            """);
    }

    /// <summary>A command to be run as this user.</summary>
    public Command As(string file, params IReadOnlyList<string> arguments) => new(file, arguments) { User = Name };
}
