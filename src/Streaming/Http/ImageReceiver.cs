using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Streaming.Configuration;
using Streaming.Images;

namespace Streaming.Http;

/// <summary>An image as it came.</summary>
/// <param name="Content">Its bytes, not yet looked at.</param>
/// <param name="ContentType">What it came as.</param>
/// <param name="Fields">The other fields of a form that are known.</param>
public sealed record ReceivedFile(byte[] Content, string? ContentType, Dictionary<string, string> Fields)
{
    /// <summary>A field: of the query, else of the form; null if it is empty, or not there.</summary>
    public string? Field(HttpContext http, string name) => http.Request.Query[name] is [{ Length: > 0 } query, ..] ? query
        : Fields.GetValueOrDefault(name) is { Length: > 0 } part ? part : null;

    /// <summary>A field that is a whole number; null if it is not there, or is none within the bounds, which is then among the errors.</summary>
    public int? Number(HttpContext http, string name, int min, int max, Dictionary<string, string[]> errors)
    {
        if (Field(http, name) is not { } text)
            return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            return number;
        errors[name] = [$"Must be a whole number from {min} to {max}."];
        return null;
    }
}

/// <summary>Receives images, as the body of a request or as the file of a form, so many at once that their bytes fit into the memory.</summary>
public sealed class ImageReceiver(IOptions<UploadOptions> options, IOptions<ImageOptions> images) : IDisposable
{
    // A form's boundaries, headers and other fields.
    const int FormBytesMax = 64 * 1024;

    readonly SemaphoreSlim _places = new(options.Value.ReceivedAtOnceMax);

    /// <summary>Images whose bytes are being received.</summary>
    public int ReceivedNow => options.Value.ReceivedAtOnceMax - _places.CurrentCount;

    /// <summary>Receives one, and hands it on as long as its place is kept; or answers what is wrong with the request.</summary>
    /// <param name="http">The request.</param>
    /// <param name="fields">Fields of a form that are taken, with their characters at most; the rest of a longer one is cut off.</param>
    /// <param name="useAsync">Makes the answer of it.</param>
    public async Task<IResult> ReceiveAsync(HttpContext http, IReadOnlyDictionary<string, int> fields, Func<ReceivedFile, Task<IResult>> useAsync)
    {
        // A form needs no leave to be sent by a page of somebody else's, and in mode none no token either.
        if (http.Request.Headers["Sec-Fetch-Site"] == "cross-site")
            return Problems.CrossSite.Problem();
        var bytesMax = options.Value.BytesMax + FormBytesMax;
        var isTooLarge = http.Request.ContentLength > bytesMax;
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            // What is refused at once has no limit: the server then passes over it for a while, and the client reads the answer.
            size.MaxRequestBodySize = isTooLarge ? null : bytesMax;
        if (isTooLarge)
            return Problems.UploadTooLarge.Problem($"It is {options.Value.BytesMax} bytes.");
        if (!await _places.WaitAsync(TimeSpan.Zero, http.RequestAborted))
        {
            http.Response.Headers.RetryAfter = "1";
            return Problems.UploadsBusy.Problem($"It is {options.Value.ReceivedAtOnceMax} (Uploads:ReceivedAtOnceMax).");
        }

        try
        {
            return await ReadAsync(http, fields) is { } received ? await useAsync(received) : Problems.UploadTooLarge.Problem($"It is {options.Value.BytesMax} bytes.");
        }
        catch (BadHttpRequestException fault) when (fault.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return Problems.UploadTooLarge.Problem($"It is {options.Value.BytesMax} bytes.");
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException and not BadHttpRequestException)
        {
            return Problems.InvalidBody.Problem($"The form cannot be read: {fault.Message}");
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>What an image is, by its bytes; or the answer that says why it is not taken.</summary>
    public (InspectedImage? Image, IResult? Problem) Inspect(ReceivedFile received)
    {
        try
        {
            return (ImageInspector.Inspect(received.Content, received.ContentType, images.Value.PixelsMax), null);
        }
        catch (ImageRefusedException fault)
        {
            return (null, ProblemOf(fault.Refusal).Problem(fault.Message));
        }
    }

    /// <summary>Null: it is too large.</summary>
    /// <exception cref="BadHttpRequestException">413: the whole body is too large.</exception>
    /// <exception cref="InvalidDataException">It is no form.</exception>
    async Task<ReceivedFile?> ReadAsync(HttpContext http, IReadOnlyDictionary<string, int> known)
    {
        var type = MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var parsed) ? parsed : null;
        if (type?.MediaType != "multipart/form-data")
            return await BytesAsync(http.Request.Body, http.Request.ContentLength, http.RequestAborted) is { } body
                ? new ReceivedFile(body, http.Request.ContentType, []) : null;
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        if (string.IsNullOrEmpty(boundary))
            throw new InvalidDataException("it has no boundary.");
        var reader = new MultipartReader(boundary, http.Request.Body);
        (byte[] Content, string? ContentType)? file = null;
        var fields = new Dictionary<string, string>();
        while (await reader.ReadNextSectionAsync(http.RequestAborted) is { } section)
        {
            if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition))
                continue;
            var name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
            if (disposition.FileName.HasValue || disposition.FileNameStar.HasValue || name == "file")
            {
                if (file is not null)
                    throw new InvalidDataException("it has more than one file.");
                if (await BytesAsync(section.Body, null, http.RequestAborted) is not { } content)
                    return null;
                file = (content, section.ContentType);
                var fileName = disposition.FileNameStar.HasValue ? disposition.FileNameStar : HeaderUtilities.RemoveQuotes(disposition.FileName);
                if (fileName.HasValue)
                    fields.TryAdd("name", fileName.Value!);
            }
            else if (known.TryGetValue(name, out var charactersMax))
            {
                using var text = new StreamReader(section.Body, Encoding.UTF8);
                var buffer = new char[charactersMax];
                var count = await text.ReadBlockAsync(buffer, http.RequestAborted);
                fields[name] = new string(buffer, 0, count);
            }
        }

        return file is { } found ? new ReceivedFile(found.Content, found.ContentType, fields) : throw new InvalidDataException("it has no file.");
    }

    /// <summary>All of it; null if it is more than an upload may have.</summary>
    async Task<byte[]?> BytesAsync(Stream body, long? length, CancellationToken cancellation)
    {
        if (length > options.Value.BytesMax)
            return null;
        using var content = new MemoryStream((int)(length ?? 256 * 1024));
        var buffer = new byte[64 * 1024];
        while (await body.ReadAsync(buffer, cancellation) is > 0 and var count)
        {
            content.Write(buffer, 0, count);
            if (content.Length > options.Value.BytesMax)
                return null;
        }

        return content.ToArray();
    }

    static ProblemKind ProblemOf(ImageRefusal refusal) => refusal switch
    {
        ImageRefusal.Unsupported => Problems.ImageUnsupported,
        ImageRefusal.Mislabelled => Problems.ImageMislabelled,
        ImageRefusal.Truncated => Problems.ImageTruncated,
        ImageRefusal.Polyglot => Problems.ImagePolyglot,
        ImageRefusal.TooLarge => Problems.ImageTooLarge,
        _ => Problems.ImageDamaged,
    };

    public void Dispose() => _places.Dispose();
}
