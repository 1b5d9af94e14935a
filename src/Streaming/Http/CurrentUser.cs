namespace Streaming.Http;

/// <summary>Whose request it is. Every read and write of a session is made with this id.</summary>
public static class CurrentUser
{
    /// <summary>The one user of mode <c>none</c>.</summary>
    public const string Local = "local";

    /// <summary>Role of those who may see the status of the service; known where an endpoint has <see cref="Authentication.ForAdmins"/>.</summary>
    public const string Admin = "admin";

    public static bool IsAdmin(this HttpContext context) => context.User.IsInRole(Admin);

    /// <exception cref="InvalidOperationException">Nobody was signed in: a mistake here must never pass for a user.</exception>
    public static string Id(this HttpContext context) =>
        context.User.Identity?.Name ?? throw new InvalidOperationException("The request has no user.");
}
