using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Pipelines.Logo;

/// <summary>A picture that is safe to show, to store and to rasterise.</summary>
/// <param name="Text">The whole document.</param>
/// <param name="Width">Of its view box.</param>
/// <param name="Height">Of its view box.</param>
public sealed record SafeSvg(string Text, int Width, int Height);

/// <summary>The SVG cannot be used at all; the message says why, to the model and to a person.</summary>
public sealed class SvgRefusedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Makes an SVG that a model wrote harmless: what is on a short list of elements and attributes is written anew, everything
/// else is left out, and what is no XML, has a DTD, or is too large is refused.
/// </summary>
/// <remarks>
/// Not on the list, and why: script, event handlers, animate and set (they run, or change what was checked); image, use, a,
/// foreignObject, style, filter (they load, link, hold HTML, or multiply); pattern, mask, marker (they multiply).
/// </remarks>
public sealed partial class SvgSanitizer(IOptions<LogoOptions> options)
{
    const string SvgNamespace = "http://www.w3.org/2000/svg";
    const string XLinkNamespace = "http://www.w3.org/1999/xlink";
    const int ValueCharactersMax = 16_384;
    const double SideMax = 10_000;

    static readonly FrozenSet<string> Shapes = FrozenSet.Create("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text");

    static readonly FrozenSet<string> Elements = Shapes.Union(
        ["svg", "g", "defs", "title", "desc", "tspan", "linearGradient", "radialGradient", "stop", "clipPath"]).ToFrozenSet();

    static readonly FrozenSet<string> Properties = FrozenSet.Create(
        "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit",
        "stroke-dasharray", "stroke-dashoffset", "opacity", "clip-path", "clip-rule", "stop-color", "stop-opacity", "color", "visibility", "display",
        "font-family", "font-size", "font-weight", "font-style", "letter-spacing", "word-spacing", "text-anchor", "dominant-baseline");

    static readonly FrozenSet<string> Attributes = Properties.Union(
    [
        "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "width", "height", "points", "transform", "offset", "dx", "dy",
        "rotate", "textLength", "lengthAdjust", "gradientUnits", "gradientTransform", "spreadMethod", "clipPathUnits", "pathLength",
    ]).ToFrozenSet();

    static readonly FrozenSet<string> Functions = FrozenSet.Create(
        "rgb", "rgba", "hsl", "hsla", "matrix", "translate", "rotate", "scale", "skewX", "skewY");

    /// <exception cref="SvgRefusedException">It cannot be made into a picture.</exception>
    public SafeSvg Sanitize(string svg)
    {
        var limits = options.Value;
        if (Encoding.UTF8.GetByteCount(svg) > limits.SvgBytesMax)
            throw new SvgRefusedException($"the SVG is larger than {limits.SvgBytesMax} bytes");
        var text = new StringBuilder(svg.Length);
        try
        {
            using var reader = XmlReader.Create(new StringReader(svg), new XmlReaderSettings
            {
                DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreComments = true, IgnoreProcessingInstructions = true,
                MaxCharactersInDocument = limits.SvgBytesMax,
            });
            using var writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true });
            var (width, height) = Write(reader, writer, limits);
            writer.Flush();
            // Escapes make it a little longer.
            if (Encoding.UTF8.GetByteCount(text.ToString()) > 2 * limits.SvgBytesMax)
                throw new SvgRefusedException($"the SVG is larger than {limits.SvgBytesMax} bytes");
            return new SafeSvg(text.ToString(), width, height);
        }
        catch (Exception fault) when (fault is XmlException or ArgumentException)
        {
            throw new SvgRefusedException($"the SVG is no well-formed XML: {fault.Message}", fault);
        }
    }

    static (int Width, int Height) Write(XmlReader reader, XmlWriter writer, LogoOptions limits)
    {
        var (elements, shapes) = (0, 0);
        (int Width, int Height) size = default;
        reader.MoveToContent();
        while (!reader.EOF)
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    if (++elements > limits.SvgElementsMax)
                        throw new SvgRefusedException($"the SVG has more than {limits.SvgElementsMax} elements");
                    if (reader.Depth >= limits.SvgDepthMax)
                        throw new SvgRefusedException($"the SVG is nested deeper than {limits.SvgDepthMax} levels");
                    if ((reader.Depth == 0) != (reader.LocalName == "svg" && reader.NamespaceURI == SvgNamespace))
                    {
                        if (reader.Depth == 0)
                            throw new SvgRefusedException("the outermost element must be <svg> of the SVG namespace");
                        Skip(reader, limits, ref elements);
                        continue;
                    }

                    if (reader.NamespaceURI != SvgNamespace || !Elements.Contains(reader.LocalName))
                    {
                        Skip(reader, limits, ref elements);
                        continue;
                    }

                    shapes += Shapes.Contains(reader.LocalName) ? 1 : 0;
                    var isEmpty = reader.IsEmptyElement;
                    writer.WriteStartElement(null, reader.LocalName, SvgNamespace);
                    if (reader.Depth == 0)
                        size = WriteRoot(reader, writer);
                    else
                        WriteAttributes(reader, writer, reader.LocalName);
                    if (isEmpty)
                        writer.WriteEndElement();
                    break;
                case XmlNodeType.EndElement:
                    writer.WriteFullEndElement();
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace:
                    writer.WriteString(reader.Value);
                    break;
            }

            reader.Read();
        }

        return shapes > 0 ? size : throw new SvgRefusedException("the SVG draws nothing");
    }

    /// <summary>Passes over an element with all that is in it, which counts.</summary>
    static void Skip(XmlReader reader, LogoOptions limits, ref int elements)
    {
        using (var inner = reader.ReadSubtree())
            while (inner.Read())
                if (inner.NodeType == XmlNodeType.Element && ++elements > limits.SvgElementsMax)
                    throw new SvgRefusedException($"the SVG has more than {limits.SvgElementsMax} elements");
        reader.Read();
    }

    static (int Width, int Height) WriteRoot(XmlReader reader, XmlWriter writer)
    {
        var box = (reader.GetAttribute("viewBox") ?? "").Split([' ', ',', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Select(part => double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
                && Math.Abs(number) <= SideMax ? number : double.NaN).ToArray();
        if (box is not [_, _, >= 1, >= 1] || box.Any(double.IsNaN))
            throw new SvgRefusedException($"the SVG needs a viewBox of four numbers, with sides of 1 to {SideMax}");
        writer.WriteAttributeString("viewBox", string.Join(' ', box.Select(number => number.ToString(CultureInfo.InvariantCulture))));
        var (width, height) = ((int)Math.Ceiling(box[2]), (int)Math.Ceiling(box[3]));
        // Without them a browser shows a picture of 300 x 150.
        writer.WriteAttributeString("width", width.ToString(CultureInfo.InvariantCulture));
        writer.WriteAttributeString("height", height.ToString(CultureInfo.InvariantCulture));
        return (width, height);
    }

    static void WriteAttributes(XmlReader reader, XmlWriter writer, string element)
    {
        var written = new Dictionary<string, string>();
        while (reader.MoveToNextAttribute())
        {
            if (reader is { LocalName: "href", NamespaceURI: "" or XLinkNamespace })
            {
                if (element is "linearGradient" or "radialGradient" && Reference().IsMatch(reader.Value))
                    written["href"] = reader.Value;
            }
            else if (reader.NamespaceURI.Length > 0)
            {
                continue;
            }
            else if (reader.LocalName == "id" && Id().IsMatch(reader.Value))
            {
                written["id"] = reader.Value;
            }
            else if (reader.LocalName == "style")
            {
                foreach (var declaration in reader.Value.Split(';'))
                    if (declaration.Split(':') is [var property, var value] && Properties.Contains(property.Trim()) && IsHarmless(value.Trim()))
                        written[property.Trim()] = value.Trim();
            }
            else if (Attributes.Contains(reader.LocalName) && IsHarmless(reader.Value))
            {
                // What stands in style counts for more.
                written.TryAdd(reader.LocalName, reader.Value);
            }
        }

        reader.MoveToElement();
        foreach (var (name, value) in written)
            writer.WriteAttributeString(name, value);
    }

    // No colon, slash or backslash: neither an address nor an escape that hides one.
    static bool IsHarmless(string value) => value.Length <= ValueCharactersMax
        && (PaintReference().IsMatch(value)
            || (PlainValue().IsMatch(value) && Function().Matches(value).All(match => Functions.Contains(match.Groups[1].Value))));

    [GeneratedRegex(@"^#[A-Za-z_][\w-]{0,63}\z", RegexOptions.ECMAScript)]
    private static partial Regex Reference();

    [GeneratedRegex(@"^[A-Za-z_][\w-]{0,63}\z", RegexOptions.ECMAScript)]
    private static partial Regex Id();

    [GeneratedRegex(@"^url\(#[A-Za-z_][\w-]{0,63}\)\z", RegexOptions.ECMAScript)]
    private static partial Regex PaintReference();

    [GeneratedRegex(@"^[A-Za-z0-9_\s#%.,()+'""-]*\z")]
    private static partial Regex PlainValue();

    [GeneratedRegex(@"([A-Za-z0-9_-]*)\s*\(")]
    private static partial Regex Function();
}
