namespace Streaming.Http;

/// <summary>Headers that every answer has.</summary>
public static class ResponseHeaders
{
    // Scripts and styles from here alone, none inline: text that a model wrote can never run.
    const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    public static Task AddAsync(HttpContext context, RequestDelegate next)
    {
        // At the last moment: what answers for an exception clears everything that was set before.
        context.Response.OnStarting(static state => Add((HttpContext)state), context);
        return next(context);
    }

    static Task Add(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        // A file that was generated has a stricter one.
        if (headers.ContentSecurityPolicy.Count == 0)
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers["Referrer-Policy"] = "no-referrer";
        if (headers.CacheControl.Count == 0
            && (context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase) || context.Request.Path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase)))
            headers.CacheControl = "no-store";
        return Task.CompletedTask;
    }
}
