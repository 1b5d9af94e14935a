using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Streaming.Benchmarks.Files;

/// <summary>Before everything else in the service: a file by the framework's own copy, to the same server's response.</summary>
sealed class RivalFilter : IStartupFilter
{
    public const string Path = "/rival";

    const int BufferBytes = 256 * 1024;

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Map(Path, rival => rival.Run(async http =>
        {
            await using var file = new FileStream(http.Request.Query["file"]!, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, useAsync: true);
            http.Response.ContentLength = file.Length;
            await file.CopyToAsync(http.Response.Body, BufferBytes, http.RequestAborted);
        }));
        next(app);
    };
}
