"""Why a line of a watchlist's source gives no entry: stable codes, and what to do about each."""

from __future__ import annotations

import enum


class Code(enum.StrEnum):
    """Reports, the audit and other programs quote these; a code is never renamed. What is wrong with a
    picture's content has the codes of `gallery.reading.Reason`."""

    MISSING_REFERENCE = "missing_reference"
    """Nothing says which nominal this is."""
    BAD_REFERENCE = "bad_reference"
    """The reference is longer than 60 characters, or has some that cannot be shown."""
    DUPLICATE_REFERENCE = "duplicate_reference"
    """An earlier line has this reference, capitals aside; the earlier one counts."""
    MISSING_CATEGORY = "missing_category"
    UNKNOWN_CATEGORY = "unknown_category"
    """The deployment's authorisation does not name this category."""
    MISSING_IMAGE_SOURCE = "missing_image_source"
    """Nothing says where the picture is from."""
    MISSING_LAWFUL_BASIS = "missing_lawful_basis"
    MISSING_IMAGE_DATE = "missing_image_date"
    """Nothing says when the picture was taken."""
    BAD_DATE = "bad_date"
    """Not a day written as YYYY-MM-DD, or one before 1900."""
    FUTURE_DATE = "future_date"
    """The picture would have been taken after today."""
    MISSING_RATIONALE = "missing_rationale"
    """Nothing says why this person is to be looked for here."""
    MISSING_INSTRUCTION = "missing_instruction"
    """Nothing says what an officer is to do on an alert."""
    TOO_LONG = "too_long"
    """A text is longer than 2,000 characters."""
    BAD_TEXT = "bad_text"
    """A text has control characters, or some that turn the direction of writing: it could read otherwise."""
    BAD_FLAG = "bad_flag"
    """blue, under_18, vulnerable or third_party is neither yes nor no."""
    MISSING_PICTURES = "missing_pictures"
    """No picture is named."""
    TOO_MANY_PICTURES = "too_many_pictures"
    """More than 20 pictures of one nominal."""
    PICTURE_MISSING = "picture_missing"
    """A picture that is named is not in the folder."""
    PICTURE_OUTSIDE = "picture_outside"
    """A picture's path, or a link in it, leads out of the folder."""
    WRONG_COLUMNS = "wrong_columns"
    """The line has more or fewer cells than the heading."""
    WRONG_TYPE = "wrong_type"
    """A value of a JSON entry is of another kind than its field."""


ADVICE = {
    Code.MISSING_REFERENCE: "give the nominal's reference",
    Code.BAD_REFERENCE: "give a reference of at most 60 characters that can be shown",
    Code.DUPLICATE_REFERENCE: "the earlier line counts; remove one, or correct its reference",
    Code.MISSING_CATEGORY: "give one of the categories that are authorised",
    Code.UNKNOWN_CATEGORY: "the authorisation does not name it; correct it, or leave the entry out",
    Code.MISSING_IMAGE_SOURCE: "say where the picture is from",
    Code.MISSING_LAWFUL_BASIS: "give the lawful basis",
    Code.MISSING_IMAGE_DATE: "give the day of the picture as YYYY-MM-DD",
    Code.BAD_DATE: "write the day as YYYY-MM-DD (in Excel, format the column as text)",
    Code.FUTURE_DATE: "correct the day of the picture; it lies after today",
    Code.MISSING_RATIONALE: "say why this person is to be looked for here",
    Code.MISSING_INSTRUCTION: "say what an officer is to do on an alert",
    Code.TOO_LONG: "shorten the text to 2,000 characters",
    Code.BAD_TEXT: "type the text anew; it has characters that cannot be seen",
    Code.BAD_FLAG: "write yes or no",
    Code.MISSING_PICTURES: "name a picture",
    Code.TOO_MANY_PICTURES: "keep the best 20",
    Code.PICTURE_MISSING: "put the picture into the folder, or correct its name",
    Code.PICTURE_OUTSIDE: "put the picture into the folder; what leads out of it is not followed",
    Code.WRONG_COLUMNS: "put texts with commas, semicolons or line ends into quotes",
    Code.WRONG_TYPE: "texts and the list of pictures are strings, flags are true or false",
}
